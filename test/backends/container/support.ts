/** Backends of kind CONTAINER for the tests. */
import type { ContainerOptions } from '../../../src/domain/backends/container';
import type { BackendSpec } from '../../../src/domain/definitions';
import type { Engines } from '../../support/findEngines';

export function containerBackend(
  { socket, image }: Pick<Engines['CONTAINER'], 'socket' | 'image'>,
  more: Partial<ContainerOptions> = {},
): BackendSpec<'CONTAINER'> {
  return {
    name: 'box',
    kind: 'CONTAINER',
    description: '',
    environment: {},
    options: {
      image,
      pull: 'never',
      host: `unix://${socket}`,
      volumes: [],
      network: 'none',
      readOnly: false,
      capDrop: [],
      ...more,
    },
  };
}
