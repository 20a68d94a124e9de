/** Faults between the processes and the services: cut, silent, slow, one-way. */
import { setTimeout as delay } from 'node:timers/promises';
import { LEASE_SECONDS, type Node } from './cluster';
import type { Fault, Target } from './faults';
import type { Proxy } from '../../support/proxy';
import { patiently } from './patiently';
import { provoke } from './provoke';

type Service = 'postgres' | 'redis';

const WINDOW_MS = 400;
const MAX_SLOW_MS = 60;

/** A node that has connections to the service now. */
const connected = ({ cluster, choose }: Target, service: Service): Promise<Node> =>
  patiently(`somebody is connected to ${service}`, () => {
    const candidates = cluster.nodes.filter((node) => node[service].open() > 0);
    return candidates.length > 0 ? choose(candidates) : null;
  });

const proxies = ({ cluster }: Target, service: Service): Proxy[] => cluster.nodes.map((node) => node[service]);

const cut =
  (service: Service): Fault =>
  async (target) => {
    const node = await connected(target, service);
    return `${node[service].cut()} connections of ${node.name}`;
  };

const cutAll =
  (service: Service): Fault =>
  async (target) => {
    await connected(target, service);
    const all = proxies(target, service);
    for (const proxy of all) proxy.refuse();
    const count = all.reduce((sum, proxy) => sum + proxy.cut(), 0);
    await delay(target.between(0, 1_500));
    for (const proxy of all) proxy.accept();
    return `${count} connections`;
  };

/** One that hears nothing has nothing to lose: some work is sent, and it is tried again, with everybody when need be. */
const loseAnswers =
  (service: Service): Fault =>
  async (target) => {
    let tries = 0;
    return patiently('an answer is lost', async () => {
      await provoke(target.cluster);
      const chosen = await connected(target, service);
      const nodes = tries === 0 ? [chosen] : target.cluster.nodes;
      tries += 1;
      const losses = await Promise.all(nodes.map((node) => node[service].loseAnswers(target.between(50, WINDOW_MS))));
      const lost = losses.reduce((sum, bytes) => sum + bytes, 0);
      return lost > 0 ? `${lost} bytes on their way to ${nodes.map(({ name }) => name).join(', ')}` : null;
    });
  };

const silence =
  (service: Service): Fault =>
  async (target) => {
    const node = await connected(target, service);
    return `${node[service].silence()} connections of ${node.name}`;
  };

const hold =
  (service: Service): Fault =>
  async (target) => {
    const node = await connected(target, service);
    const milliseconds = target.between(500, (LEASE_SECONDS + 2) * 1_000);
    await node[service].hold(milliseconds);
    return `${node.name} for ${milliseconds} ms`;
  };

const slow =
  (service: Service): Fault =>
  async (target) => {
    const all = proxies(target, service);
    const milliseconds = target.between(5, MAX_SLOW_MS);
    for (const proxy of all) proxy.slow(milliseconds);
    await delay(target.between(1_000, 3_000));
    for (const proxy of all) proxy.slow(0);
    return `${milliseconds} ms more each way`;
  };

export const networkFaults = {
  'postgres: cut': cut('postgres'),
  'postgres: cut-all': cutAll('postgres'),
  'postgres: lose-answers': loseAnswers('postgres'),
  'postgres: silence': silence('postgres'),
  'postgres: hold': hold('postgres'),
  'postgres: slow': slow('postgres'),
  'redis: cut-all': cutAll('redis'),
  'redis: lose-answers': loseAnswers('redis'),
  'redis: silence': silence('redis'),
  'redis: hold': hold('redis'),
  'redis: slow': slow('redis'),
} as const;
