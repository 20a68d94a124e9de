import { Migration } from '@mikro-orm/migrations';

/** A batch that is a matrix knows which inputs its submissions differ in. */
export class Migration20261121000007_matrix extends Migration {
  override up(): void {
    this.addSql(`alter table batch add column matrix_inputs text[] not null default '{}'`);
  }
}
