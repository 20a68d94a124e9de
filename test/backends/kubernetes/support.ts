/** Backends of kind KUBERNETES for the tests. */
import { tmpdir } from 'node:os';
import type { KubernetesOptions } from '../../../src/domain/backends/kubernetes';
import type { BackendSpec } from '../../../src/domain/definitions';

export function kubernetesBackend(
  kubeconfig: string,
  more: Partial<KubernetesOptions> = {},
): BackendSpec<'KUBERNETES'> {
  return {
    name: 'cluster',
    kind: 'KUBERNETES',
    description: '',
    environment: {},
    options: {
      image: 'debian:12',
      pull: 'missing',
      pullSecrets: [],
      volume: { claim: 'work', path: tmpdir() },
      kubeconfig,
      nodeSelector: {},
      tolerations: [],
      ttlSeconds: 3_600,
      pendingSeconds: 3_600,
      ...more,
    },
  };
}
