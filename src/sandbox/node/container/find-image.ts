/** The image of a container, or why there is none, as a kubelet says it. */
import type { Container } from 'kubernetes-types/core/v1.js';
import { MACHINE_IMAGE } from '../../images/machine-image.ts';
import { normalReference } from '../../images/reference.ts';
import type { StoredImage } from '../../images/stored-image.ts';
import { ContainerConfigError } from '../config-error.ts';
import type { NodeContext } from '../context.ts';

/** There is no registry: what is not here can't be had from anywhere. @throws {ContainerConfigError} */
export async function findImage({ images, machine }: NodeContext, container: Container): Promise<StoredImage> {
  const name = container.image ?? '';
  const reference = normalReference(name);
  if (reference === undefined)
    throw new ContainerConfigError(
      `Failed to apply default image tag ${JSON.stringify(name)}: couldn't parse image name: invalid reference format`,
      'InvalidImageName',
    );
  if (reference === MACHINE_IMAGE) return machine;
  const found = await images.find(name);
  if (found !== undefined) return found;
  if (container.imagePullPolicy === 'Never')
    throw new ContainerConfigError(`Container image ${JSON.stringify(name)} is not present with pull policy of Never`, 'ErrImageNeverPull');
  throw new ContainerConfigError(
    `failed to pull image ${JSON.stringify(name)}: the sandbox has no registry: put it in with \`telepresence sandbox image\``,
    'ErrImagePull',
  );
}
