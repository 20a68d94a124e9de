/** A technology that a plug-in brings. */
export interface CustomOptions {
  /** The name of the plug-in: a file or package in the folder of plug-ins, or an installed package. */
  readonly plugin: string;
  /** Whether its work uses the worker's machine or only waits. */
  readonly place: 'here' | 'elsewhere';
  /** What the plug-in lets an operator set; it checks them itself. */
  readonly options: Readonly<Record<string, unknown>>;
}
