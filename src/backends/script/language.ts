/** What tells one language of scripts from another. All else is the same for all of them. */
import type { ValueType } from '../../domain/values';
import type { WarmInterpreterOptions } from '../../domain/backendOptions';

/** A value in the form that scripts know: plain JSON, Files and Directories as their paths. */
export type Native = null | boolean | number | string | readonly Native[] | { readonly [name: string]: Native };

/** The kinds of files that hold tables. */
export type TableFormat = 'csv' | 'tsv' | 'json' | 'parquet';

/** A file that a script gets as a table. A type, not an interface: it is a native value, too. */
export type TableFile = { readonly path: string; readonly format: TableFormat };

/** An input port or Parameter. */
export interface ScriptInput {
  /** As it is declared. */
  readonly name: string;
  /** The same as a variable can be called. */
  readonly variable: string;
  readonly type: ValueType;
  /** Each file in the value is a `TableFile`, of which the script gets the table. */
  readonly table: boolean;
  readonly value: Native;
}

/** An output that is the variable of its name when the script has ended. */
export interface ScriptOutput {
  readonly name: string;
  readonly variable: string;
  readonly type: ValueType;
  /** For a File: in which format, and under which absolute path without its extension, a table is written. */
  readonly format: TableFormat;
  readonly file: string;
}

/** All that a script is told. */
export interface ScriptRequest {
  /** The absolute path of the source, whose base name is shown in messages. */
  readonly source: string;
  /** Where the results go, as JSON: `{"values": {…}, "faults": {…}}`, each by the name of the output. */
  readonly result: string;
  readonly inputs: readonly ScriptInput[];
  readonly outputs: readonly ScriptOutput[];
  /** Where the outputs that are found by name are expected: absolute paths. */
  readonly paths: Readonly<Record<string, string>>;
  /** What only an interpreter that waited has to be told. */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
}

export interface Language {
  /** As people call it. */
  readonly title: string;
  /** Of a file with source code. */
  readonly extension: string;
  /** The name of the file for a name without its extension: what the language can show in its messages. */
  readonly sourceName: (name: string) => string;
  /** The source as it is written to that file, each line where it was. */
  readonly sourceText: (source: string) => string;
  /** What the interpreter is called, the usual name first. */
  readonly interpreters: readonly string[];
  /** How to get it. */
  readonly install: string;
  /** The text of a version, from what the interpreter prints with `versionArguments`; null: it cannot be asked. */
  readonly versionArguments: readonly string[] | null;
  readonly version: (printed: string) => string | undefined;
  /** The variable by which folders of packages are told, joined by colons. */
  readonly libraryVariable: string | null;
  /** Variables that one which waits is started with, and that its driver takes away before a script could see them. */
  readonly waitingVariables?: Readonly<Record<string, string>>;
  /** The file in `drivers/` that runs a script inside of its interpreter. */
  readonly driver: string;
  /**
   * The words behind the interpreter that run the driver. `request` is the path of a request; null: it waits with `preload`
   * loaded, until a path comes on standard input.
   */
  readonly arguments: (driver: string, request: string | null, preload: readonly string[]) => readonly string[];
  /** The request as the driver at this path reads it. Throws BAD_INPUT for what the language cannot hold. */
  readonly encode: (request: ScriptRequest, driver: string) => string;
}

/** The options of any kind that runs scripts. */
export type AnyScriptOptions = WarmInterpreterOptions & { readonly venv?: string };

/**
 * Glibc asks for large pages then, from version 2.35 on. At its end a process of forty megabytes gives them back in half the
 * time that it takes for small ones: a few milliseconds.
 */
export const LARGE_PAGES = { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' };
