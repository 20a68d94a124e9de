/** What passes between a worker and a script: its source, what it is told, and where it leaves what it returns. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, parse } from 'node:path';
import { StepcastError } from '../../domain/errors';
import { safeName } from '../attempt/attemptDirectory';
import type { PreparedAttempt } from '../backend';
import type { Language } from './language';
import { requestOf } from './request';

/** Beside the working directory of an Attempt: the source, what it is told, and what it returns. */
const EXCHANGE = 'script';
const PRIVATE = 0o600;

/** The path of the program that runs scripts of the language. */
export const driverOf = (language: Language): string => join(__dirname, 'drivers', language.driver);

export interface Exchange {
  readonly folder: string;
  /** The paths of what the driver reads and writes. */
  readonly request: string;
  readonly result: string;
}

/** Writes down what the driver of the language is told. Throws BAD_INPUT for what the language cannot hold. */
export function writeExchange(
  language: Language,
  attempt: PreparedAttempt,
  env: Readonly<Record<string, string>>,
): Exchange {
  const { command, name: taskName } = attempt.task;
  if (command.kind !== 'script')
    throw new StepcastError(
      'BAD_INPUT',
      `Task \`${taskName}\` holds no script, and ${language.title} runs nothing else.`,
    );
  const folder = join(attempt.directory.root, EXCHANGE);
  const { name: base, ext } = parse(command.file ?? `${taskName}${language.extension}`);
  const name = safeName(`${language.sourceName(base)}${ext}`);
  // Names that begin with a dot are those of the exchange.
  const source = join(folder, name.startsWith('.') ? `script${name}` : name);
  const exchange = { folder, request: join(folder, '.request'), result: join(folder, '.result') };
  const request = requestOf(attempt, { source, result: exchange.result }, env);
  // Synchronous: for small files that costs less than the trips through Node's thread pool.
  mkdirSync(folder, { mode: 0o700 });
  writeFileSync(source, language.sourceText(command.source), { mode: PRIVATE });
  writeFileSync(exchange.request, language.encode(request, driverOf(language)), { mode: PRIVATE });
  return exchange;
}
