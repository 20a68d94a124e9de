/** What an operator says of a Backend that runs commands as Jobs of Kubernetes. */
import type { PullPolicy } from './container';

/** The volume through which files come and go: it holds the work folder of the workers. */
export interface SharedVolume {
  /** The name of a PersistentVolumeClaim. */
  readonly claim: string;
  /** Where it is mounted, in the workers and in the pods. Absolute. */
  readonly path: string;
  /** The folder of the volume that lies there; undefined: all of it. */
  readonly subPath?: string;
}

/** A taint of nodes that is borne. */
export interface Toleration {
  /** Undefined: every taint. */
  readonly key?: string;
  /** Undefined: whatever its value. */
  readonly value?: string;
  readonly effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
}

export interface KubernetesOptions {
  /** For Tasks that name none. */
  readonly image?: string;
  readonly pull: PullPolicy;
  /** Names of Secrets with logins to registries. */
  readonly pullSecrets: readonly string[];
  readonly volume: SharedVolume;
  /** A file; undefined: KUBECONFIG, the usual file, or what a pod of the cluster is given. */
  readonly kubeconfig?: string;
  /** Of the kubeconfig; undefined: its current one. */
  readonly context?: string;
  /** Undefined: that of the context. */
  readonly namespace?: string;
  readonly serviceAccount?: string;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly tolerations: readonly Toleration[];
  /** The cluster removes a Job so long after its end, if no worker has. */
  readonly ttlSeconds: number;
  /** A pod that does not run after so long is given up. */
  readonly pendingSeconds: number;
}
