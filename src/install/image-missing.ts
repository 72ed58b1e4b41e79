/** The error for nodes that do not have the image, with the commands that put it there. */
import { CodedError } from '../base/errors.ts';
import { LOCAL_IMAGE_REGISTRY } from './image-name.ts';

/** The archive that `npm run image` writes. */
const ARCHIVE = 'dist/image.tar';

/** True for names that no registry serves. */
export function isLocalImage(image: string): boolean {
  return image.startsWith(`${LOCAL_IMAGE_REGISTRY}/`);
}

export function imageMissing(image: string, reason: string): CodedError {
  const local = isLocalImage(image);
  const reference = local ? `REGISTRY/${image.slice(LOCAL_IMAGE_REGISTRY.length + 1)}` : image;
  const help = [
    'Put it where the nodes find it, with one of these, and connect again:',
    `  npm run image -- --push ${reference}${local ? `     # a registry the nodes can pull from; then export TELEPRESENCE_IMAGE=${reference}` : ''}`,
    `  npm run image${local ? '' : ` -- --tag ${image}`} && kind load image-archive ${ARCHIVE}`,
    `  npm run image${local ? '' : ` -- --tag ${image}`} && ctr -n k8s.io images import ${ARCHIVE}     # on each node`,
  ];
  return new CodedError('TP-IMAGE-MISSING', `The nodes of the cluster do not have the image ${image} (${reason}).`, { help: help.join('\n') });
}
