import { Migration } from '@mikro-orm/migrations';

/** Backends have options of their kind; those that were stored before were all of a kind that has none. */
export class Migration20261121000011_backend_options extends Migration {
  override up(): void {
    this.addSql(`
      update definition_version set spec = spec || '{"options": {}}'
      where kind = 'BACKEND' and not jsonb_exists(spec, 'options')`);
  }
}
