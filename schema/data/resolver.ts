import { randomBytes } from 'node:crypto';
import { Arg, Ctx, Field, Float, ID, InputType, Mutation, ObjectType, Query, Resolver } from 'type-graphql';
import { formatBytes } from '../../src/artifacts/formatBytes';
import { StepcastError, userError } from '../../src/domain/errors';
import type { UploadRow } from '../../src/store/entities';
import { createUpload, findUpload } from '../../src/store/uploads';
import type { Context, Services } from '../context';
import { tusUploadPath, uploadPath } from '../http/uploads';
import { Node } from '../relay/connection';
import { fromId, toId } from '../relay/ids';
import { UserErrorType, withUserErrors } from '../relay/userErrors';

@ObjectType('Upload', {
  implements: Node,
  description: 'A place that one file can be sent to, to be used in Submissions.',
})
export class UploadType extends Node {
  @Field(() => String, { description: 'The file name that the tasks will see.' })
  name!: string;
  @Field(() => Boolean, { description: 'Its data is here: it can be used.' })
  stored!: boolean;
  @Field(() => Float, { nullable: true, description: 'In bytes, once it is here.' })
  size!: number | null;
  @Field(() => String, { nullable: true, description: 'Hex SHA-256 of its content, once it is here.' })
  sha256!: string | null;
  @Field(() => Float, { description: 'The largest size it may have, in bytes.' })
  maxBytes!: number;
  @Field(() => String, { description: 'Signed address for one HTTP PUT of the whole file.' })
  url!: string;
  @Field(() => String, { description: 'Signed endpoint for a tus client (tus.io): large files, resumable.' })
  tusUrl!: string;
  @Field(() => Date, { description: 'Until when it can be filled and used.' })
  expiresAt!: Date;
}

@InputType({ description: 'What will be sent.' })
export class CreateUploadInput {
  @Field(() => String, { description: 'The file name that the tasks will see.' })
  name!: string;
  @Field(() => String, { nullable: true, description: 'Its media type; found from the content if not given.' })
  mediaType?: string | null;
  @Field(() => Float, {
    nullable: true,
    description: 'Its size in bytes, if known: a file that is too large is then refused here.',
  })
  size?: number | null;
}

@ObjectType({ description: 'A place to send a file to.' })
export class CreateUploadPayload {
  @Field(() => UploadType, { nullable: true, description: 'The Upload; null when there are userErrors.' })
  upload!: UploadType | null;
  @Field(() => [UserErrorType], { description: 'Why there is none.' })
  userErrors!: UserErrorType[];
}

/** Long enough for a large file over a slow line, and for using it afterwards. */
const UPLOAD_LIFETIME_MS = 24 * 3_600_000;
const MEDIA_TYPE = /^[\w.+-]{1,100}\/[\w.+-]{1,100}$/;

@Resolver(() => UploadType)
export class DataResolver {
  @Query(() => UploadType, { description: 'One Upload as it stands.' })
  async upload(
    @Arg('id', () => ID, { description: 'The Upload.' }) id: string,
    @Ctx() { services, viewer }: Context,
  ): Promise<UploadType> {
    const row = await findUpload(services.db, fromId('Upload', id));
    if (!row || row.submitter !== viewer.name) throw new StepcastError('NOT_FOUND', 'There is no such upload.');
    return toUpload(services, row);
  }

  @Mutation(() => CreateUploadPayload, {
    description: 'Makes a place to send a file to, by one PUT or in resumable pieces.',
  })
  createUpload(
    @Arg('input', () => CreateUploadInput, { description: 'What will be sent.' }) input: CreateUploadInput,
    @Ctx() { services, viewer }: Context,
  ): Promise<CreateUploadPayload> {
    return withUserErrors<CreateUploadPayload>(
      async () => {
        const { maxUploadBytes } = services.limits;
        if (input.name.length > 255 || input.name === '' || /[/\0]/.test(input.name) || /^\.\.?$/.test(input.name)) {
          throw userError('BAD_INPUT', 'The name must be a plain file name of at most 255 characters.', [
            'input',
            'name',
          ]);
        }
        if (input.size != null && input.size > maxUploadBytes) {
          throw userError(
            'LIMIT_EXCEEDED',
            `The file has ${formatBytes(input.size)}; the limit is ${formatBytes(maxUploadBytes)}.`,
            ['input', 'size'],
          );
        }
        if (input.mediaType != null && !MEDIA_TYPE.test(input.mediaType)) {
          throw userError('BAD_INPUT', 'A media type looks like text/csv.', ['input', 'mediaType']);
        }
        const row = await createUpload(services.db, {
          id: randomBytes(16).toString('hex'),
          name: input.name,
          mediaType: input.mediaType ?? '',
          maxBytes: maxUploadBytes,
          submitter: viewer.name,
          expiresAt: new Date(Date.now() + UPLOAD_LIFETIME_MS),
        });
        return { upload: toUpload(services, row), userErrors: [] };
      },
      (userErrors) => ({ upload: null, userErrors }),
    );
  }
}

export function toUpload({ publicUrl, secret }: Services, row: UploadRow): UploadType {
  return {
    id: toId('Upload', row.id),
    name: row.name,
    stored: row.state === 'STORED',
    size: row.size === null ? null : Number(row.size),
    sha256: row.sha256,
    maxBytes: Number(row.maxBytes),
    url: publicUrl + uploadPath(secret, row),
    tusUrl: publicUrl + tusUploadPath(secret, row),
    expiresAt: row.expiresAt,
  };
}
