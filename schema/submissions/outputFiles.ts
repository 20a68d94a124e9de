import { Args, Ctx, Field, FieldResolver, Float, ObjectType, Resolver, Root } from 'type-graphql';
import { mainFilesIn, type Value } from '../../src/domain/values';
import type { Context, Services } from '../context';
import { downloadPath } from '../http/downloads';
import { connectionOf, PageArgs, pageOfList, type Connection } from '../relay/connection';
import { submissionValues } from './reads';
import { SubmissionType } from './types';

@ObjectType('OutputFile', { description: 'A file among the outputs of a Job.' })
export class OutputFileType {
  @Field(() => String, { description: 'The output of the Job it belongs to.' })
  output!: string;
  @Field(() => String, { description: 'The file name.' })
  name!: string;
  @Field(() => String, { description: 'The file name, as CWL calls it: the same as `name`.' })
  basename!: string;
  @Field(() => Float, { description: 'In bytes.' })
  size!: number;
  @Field(() => String, { description: 'Its media type.' })
  mediaType!: string;
  @Field(() => String, { nullable: true, description: 'What the job declares it to be: a name or an IRI.' })
  format!: string | null;
  @Field(() => String, { description: 'Hex SHA-256 of its content.' })
  sha256!: string;
  @Field(() => String, { description: 'The same with the name of the algorithm before it, as in CWL: `sha256$…`.' })
  checksum!: string;
  @Field(() => [OutputFileType], { description: 'Files that go with it, such as its index.' })
  secondaryFiles!: OutputFileType[];
  @Field(() => String, { description: 'A signed address to download it, good for a while. Ranges are served.' })
  url!: string;
  /** Its place among all of them, as a key that sorts. */
  key!: string;
}

const OutputFileConnection = connectionOf('OutputFile', () => OutputFileType);

@Resolver(() => SubmissionType)
export class OutputFilesResolver {
  @FieldResolver(() => OutputFileConnection, {
    description: "The files among the Job's outputs, by the outputs' names. `results` has those of every step.",
  })
  async outputFiles(
    @Root() submission: SubmissionType,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() { services }: Context,
  ): Promise<Connection<OutputFileType>> {
    const outputs = (await submissionValues(services.db, submission.key, 'outputs')) ?? {};
    const all = Object.entries(outputs).flatMap(([output, value]) => filesOf(services, output, value));
    return pageOfList(all.map(keyed), args, services.limits.pageLimit, (file) => file.key);
  }
}

function filesOf(services: Services, output: string, value: Value): Omit<OutputFileType, 'key'>[] {
  const expiresAt = new Date(Date.now() + services.limits.urlTtlSeconds * 1_000);
  return mainFilesIn(value).map(({ name, size, mediaType, format, sha256, secondaryFiles = [] }) => ({
    output,
    name,
    basename: name,
    size,
    mediaType,
    format: format ?? null,
    sha256,
    checksum: `sha256$${sha256}`,
    secondaryFiles: secondaryFiles.flatMap((one) => filesOf(services, output, one)).map(keyed),
    url: services.publicUrl + downloadPath(services.secret, { sha256, name, expiresAt }),
  }));
}

const keyed = (file: Omit<OutputFileType, 'key'>, index: number): OutputFileType => ({
  ...file,
  key: String(index).padStart(9, '0'),
});
