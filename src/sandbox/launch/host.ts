/** The process that was started, as the launcher's parts get it. */
export interface Host {
  process: NodeJS.Process;
  /** This program's file. */
  program: string;
}
