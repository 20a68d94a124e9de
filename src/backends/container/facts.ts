/** What the engine is, as far as it changes what is asked of it. */
import { z } from 'zod';
import { StepcastError } from '../../domain/errors';
import type { EngineApi } from './api';

export interface EngineFacts {
  readonly product: 'docker' | 'podman';
  readonly version: string;
  /** Its containers' root is the user that it runs as. */
  readonly rootless: boolean;
  /** Users of its containers are others on the host (Docker's userns-remap). */
  readonly remapsUsers: boolean;
  readonly selinux: boolean;
  readonly limits: { readonly memory: boolean; readonly cpus: boolean; readonly processes: boolean };
}

const versionForm = z.looseObject({
  Version: z.string(),
  Components: z.array(z.looseObject({ Name: z.string() })).nullish(),
});

const infoForm = z.looseObject({
  SecurityOptions: z.array(z.string()).nullish(),
  MemoryLimit: z.boolean().nullish(),
  CpuCfsQuota: z.boolean().nullish(),
  PidsLimit: z.boolean().nullish(),
  /** Podman's way to say it. */
  Rootless: z.boolean().nullish(),
  CgroupVersion: z.string().nullish(),
});

/** Asks the engine. Throws UNAVAILABLE when it does not answer, or answers as something else. */
export async function readFacts(api: EngineApi): Promise<EngineFacts> {
  const [version, info] = await Promise.all([api.call('GET', '/version'), api.call('GET', '/info')]);
  const known = z.object({ version: versionForm, info: infoForm }).safeParse({ version, info });
  if (!known.success)
    throw new StepcastError('UNAVAILABLE', `What answers at ${api.address.text} is no container engine.`);
  return factsOf(known.data.version, known.data.info);
}

export function factsOf(version: z.output<typeof versionForm>, info: z.output<typeof infoForm>): EngineFacts {
  const security = info.SecurityOptions ?? [];
  const has = (name: string): boolean => security.some((one) => one.split(',').includes(`name=${name}`));
  const rootless = info.Rootless === true || has('rootless');
  // There, engines say that they hold limits, and hold none.
  const powerless = rootless && info.CgroupVersion === '1';
  return {
    product: (version.Components ?? []).some(({ Name }) => Name === 'Podman Engine') ? 'podman' : 'docker',
    version: version.Version,
    rootless,
    remapsUsers: has('userns'),
    selinux: has('selinux'),
    limits: {
      memory: !powerless && (info.MemoryLimit ?? true),
      cpus: !powerless && (info.CpuCfsQuota ?? true),
      processes: !powerless && (info.PidsLimit ?? true),
    },
  };
}
