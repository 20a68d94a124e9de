/** One line of JSON per message on stderr, for the launcher and for log collectors. */
import pino from 'pino';

export type Level = 'info' | 'warn' | 'error';
export type Log = (level: Level, message: string) => void;

export function createLog(name: string, level: string): Log {
  const logger = pino({ name, level, base: { name, pid: process.pid } }, pino.destination({ fd: 2, sync: true }));
  return (at, message) => logger[at](message);
}
