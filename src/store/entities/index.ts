/** The rows as MikroORM sees them. They serve CRUD and lists; transitions are the statements beside this folder. */
import { AttemptRow } from './attempt';
import { ArtifactRow, UploadRow } from './data';
import { DefinitionRow, DefinitionVersionRow } from './definition';
import { EventRow } from './event';
import { FiringRow } from './firing';
import { StepRunRow } from './stepRun';
import { BatchRow, SubmissionRow } from './submission';
import { WorkerRow } from './worker';

export {
  ArtifactRow,
  AttemptRow,
  BatchRow,
  DefinitionRow,
  DefinitionVersionRow,
  EventRow,
  FiringRow,
  StepRunRow,
  SubmissionRow,
  UploadRow,
  WorkerRow,
};

export const entities = [
  ArtifactRow,
  AttemptRow,
  BatchRow,
  DefinitionRow,
  DefinitionVersionRow,
  EventRow,
  FiringRow,
  StepRunRow,
  SubmissionRow,
  UploadRow,
  WorkerRow,
] as const;
