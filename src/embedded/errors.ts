/** Why a service could not be supplied, in words for the person at the terminal. */
export class EmbeddedServiceError extends Error {
  constructor(
    readonly service: 'postgres' | 'redis',
    message: string,
    options: { cause?: unknown } = {},
  ) {
    super(message, options);
    this.name = 'EmbeddedServiceError';
  }
}

/** The errno name of whatever was thrown, such as `ENOSPC`. */
export function errnoOf(thrown: unknown): string | undefined {
  const { code } = (typeof thrown === 'object' && thrown !== null ? thrown : {}) as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

/** One clear sentence for a failed file operation in the folder of a service. */
export function folderError(service: 'postgres' | 'redis', folder: string, thrown: unknown): EmbeddedServiceError {
  if (thrown instanceof EmbeddedServiceError) return thrown;
  return new EmbeddedServiceError(service, folderReason(folder, thrown), { cause: thrown });
}

function folderReason(folder: string, thrown: unknown): string {
  switch (errnoOf(thrown)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return diskFull(folder);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return notWritable(folder);
    case 'ENOTDIR':
    case 'EEXIST':
      return `${folder} cannot be a folder, because a file is in the way: remove it, or set STEPCAST_HOME to another folder.`;
    default:
      return `${folder} cannot be used: ${thrown instanceof Error ? thrown.message : String(thrown)}.`;
  }
}

export function diskFull(folder: string): string {
  return `The disk that holds ${folder} is full: free some space, or set STEPCAST_HOME to a folder on another disk.`;
}

export function notWritable(folder: string): string {
  return `${folder} cannot be written: change its owner or mode, or set STEPCAST_HOME to a folder of yours.`;
}
