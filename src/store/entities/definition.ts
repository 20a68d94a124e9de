import { Entity, PrimaryKey, Property, Unique } from '@mikro-orm/core';

export type DefinitionKind = 'BACKEND' | 'TASK' | 'JOB' | 'RESOURCE' | 'SCHEDULE' | 'TRIGGER';

/** One immutable version of a Backend, Task or Job. */
@Entity({ tableName: 'definition_version' })
@Unique({ properties: ['kind', 'name', 'version'] })
export class DefinitionVersionRow {
  @PrimaryKey({ type: 'bigint', autoincrement: true })
  id!: string;
  @Property({ type: 'text' })
  kind!: DefinitionKind;
  @Property({ type: 'text' })
  name!: string;
  @Property({ type: 'int' })
  version!: number;
  /** A BackendSpec, a TaskSpec, or for a Job its `JobBundle`. */
  @Property({ type: 'json' })
  spec!: unknown;
  /** Hash of `spec`: equal specs are one version. */
  @Property({ type: 'text' })
  digest!: string;
  /** The file or mutation it came from. */
  @Property({ type: 'text' })
  source!: string;
  @Property({ type: 'datetime', fieldName: 'created_at', defaultRaw: 'now()' })
  createdAt!: Date;
}

/** Which version of a name is current; null when it was removed. */
@Entity({ tableName: 'definition' })
@Unique({ properties: ['kind', 'name'] })
export class DefinitionRow {
  @PrimaryKey({ type: 'bigint', autoincrement: true })
  id!: string;
  @Property({ type: 'text' })
  kind!: DefinitionKind;
  @Property({ type: 'text' })
  name!: string;
  @Property({ type: 'bigint', fieldName: 'version_id', nullable: true })
  versionId!: string | null;
  @Property({ type: 'text' })
  source!: string;
  @Property({ type: 'datetime', fieldName: 'updated_at', defaultRaw: 'now()' })
  updatedAt!: Date;
}
