import { transformFileSync } from '@swc/core';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';

const PROJECT = join(__dirname, '..', '..');

/** Compiles files and folders of the project into a temporary folder, for plain Node to run; returns that folder. */
export function compile(...sources: string[]): string {
  const target = mkdtempSync(join(tmpdir(), 'stepcast-compiled-'));
  symlinkSync(join(PROJECT, 'node_modules'), join(target, 'node_modules'));
  for (const source of sources.flatMap((name) => filesUnder(join(PROJECT, name)))) {
    const path = join(target, relative(PROJECT, source)).replace(/\.ts$/, '.js');
    mkdirSync(dirname(path), { recursive: true });
    if (!source.endsWith('.ts')) {
      copyFileSync(source, path);
      continue;
    }
    const { code } = transformFileSync(source, {
      jsc: { parser: { syntax: 'typescript', decorators: true }, target: 'es2022' },
      module: { type: 'commonjs', ignoreDynamic: true },
    });
    writeFileSync(path, code);
  }
  return target;
}

function filesUnder(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).flatMap((name) => filesUnder(join(path, name)));
}
