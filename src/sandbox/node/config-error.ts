/** A container can't be made yet, for a reason that a user can mend: the status and an event say it, and it is tried again. */
export class ContainerConfigError extends Error {
  readonly reason: string;

  constructor(message: string, reason = 'CreateContainerConfigError') {
    super(message);
    this.name = 'ContainerConfigError';
    this.reason = reason;
  }
}
