{{- define "cloud.labels" -}}
app.kubernetes.io/name: telepresence-cloud
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: telepresence
{{- end }}

{{- define "cloud.selector" -}}
app: telepresence-cloud
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "cloud.image" -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion | toString -}}
{{ .Values.image.registry | default "telepresence.local" }}/{{ .Values.image.name | default "telepresence" }}{{ if hasPrefix "sha256:" $tag }}@{{ else }}:{{ end }}{{ $tag }}
{{- end }}

{{/* What can't work is refused here, and not by a pod that does not start. */}}
{{- define "cloud.check" -}}
{{- range $name := list "listen" "metrics" "dataDir" "tls" "replica" "database" -}}
{{- if hasKey $.Values.settings $name -}}{{- fail (printf "settings.%s is set by this chart" $name) -}}{{- end -}}
{{- end -}}
{{- if not .Values.settings.url -}}{{- fail "settings.url is needed: where browsers and clients reach the dashboard" -}}{{- end -}}
{{- if not .Values.settings.previewDomain -}}{{- fail "settings.previewDomain is needed: previews are at <random>.<previewDomain>" -}}{{- end -}}
{{- if and (not .Values.tlsSecret) (not .Values.settings.behindProxy) -}}{{- fail "tlsSecret or settings.behindProxy is needed: something must end TLS" -}}{{- end -}}
{{- if gt (int .Values.replicaCount) 1 -}}
{{- if or (not .Values.database.secret) (not .Values.replicaSecret) -}}{{- fail "several replicas need database.secret (PostgreSQL) and replicaSecret" -}}{{- end -}}
{{- if .Values.tlsSecret -}}{{- fail "several replicas need TLS that ends in front of the cloud (settings.behindProxy), not tlsSecret" -}}{{- end -}}
{{- end -}}
{{- end }}

{{- define "cloud.settings" -}}
{{- $settings := deepCopy .Values.settings -}}
{{- if .Values.tlsSecret -}}{{- $_ := set $settings "tls" (dict "cert" "/etc/telepresence-cloud-tls/tls.crt" "key" "/etc/telepresence-cloud-tls/tls.key") -}}{{- end -}}
{{- toYaml $settings -}}
{{- end }}
