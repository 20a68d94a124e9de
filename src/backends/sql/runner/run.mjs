// @ts-check
/** Runs the statements of a plan one after another, and makes the outputs of what they leave. */
import * as duckdb from '@duckdb/node-api';
import { createTable, quoted } from './database.mjs';
import { deliver } from './deliver.mjs';
import { QueryFailure } from './failure.mjs';
import { watchProgress } from './progress.mjs';
import { bound } from './values.mjs';

/**
 * @import { DuckDBConnection, DuckDBPreparedStatement } from '@duckdb/node-api'
 * @import { PlannedStatement, PlannedVariable, QueryPlan } from '../../query/plan.js' with { 'resolution-mode': 'require' }
 * @import { RunnerRequest, RunnerSettings } from '../messages.js' with { 'resolution-mode': 'require' }
 */

/** How the engine says that a statement takes no parameters. */
const NOT_PREPARED = /Unexpected prepared parameter|can't be prepared|cannot have parameters/;

/**
 * What the outputs are, by port. Throws a QueryFailure that names the line.
 * @param {DuckDBConnection} connection
 * @param {QueryPlan} plan
 * @param {RunnerRequest['folders']} folders
 * @param {RunnerSettings} settings
 */
export async function runPlan(connection, plan, folders, settings) {
  for (const [number, table] of plan.tables.entries()) {
    try {
      await createTable(connection, table, number, folders, settings);
    } catch (error) {
      throw new QueryFailure(
        `The input \`${table.name}\` cannot be read as a table. ${QueryFailure.of(error).message}`,
      );
    }
  }
  const variables = Object.fromEntries(plan.variables.map((variable) => [variable.name, variable]));
  for (const variable of plan.variables) await setVariable(connection, variable);

  const progress = watchProgress(connection, plan.statements.length);
  try {
    const last = plan.statements[plan.statements.length - 1];
    for (const statement of plan.statements) {
      progress.begin();
      const run = statementRunner(connection, statement, variables, plan);
      if (statement !== last) await run((text) => text);
      else return await deliver(connection, plan, folders, run);
    }
    throw new QueryFailure('The query holds no statement.');
  } finally {
    progress.end();
  }
}

/**
 * Runs a statement, or what is made of its text; all but the last part of it, which is given to `use`, or run as well.
 * @typedef {(wrap: (text: string) => string, use?: (prepared: DuckDBPreparedStatement) => Promise<void>) => Promise<void>} RunStatement
 */

/**
 * @param {DuckDBConnection} connection
 * @param {PlannedStatement} statement
 * @param {Readonly<Record<string, PlannedVariable>>} variables
 * @param {QueryPlan} plan
 * @returns {RunStatement}
 */
function statementRunner(connection, statement, variables, { notTables }) {
  /**
   * @param {string} text
   * @param {(prepared: DuckDBPreparedStatement) => Promise<void>} use
   */
  const execute = async (text, use) => {
    // A single one may be several to the engine, such as a PIVOT.
    const extracted = await connection.extractStatements(text);
    for (let index = 0; index < extracted.count; index += 1) {
      const prepared = await extracted.prepare(index);
      bind(prepared, variables);
      if (index < extracted.count - 1) await prepared.run();
      else await use(prepared);
    }
  };
  return async (wrap, use = async (prepared) => void (await prepared.run())) => {
    try {
      try {
        await execute(wrap(statement.text), use);
      } catch (error) {
        if (statement.variables.length === 0 || !NOT_PREPARED.test(String(error))) throw error;
        await execute(wrap(statement.unprepared), use);
      }
    } catch (error) {
      throw QueryFailure.of(error, { line: statement.line, notTables });
    }
  };
}

/**
 * @param {DuckDBPreparedStatement} prepared
 * @param {Readonly<Record<string, PlannedVariable>>} variables
 */
function bind(prepared, variables) {
  for (let index = 1; index <= prepared.parameterCount; index += 1) {
    const name = prepared.parameterName(index);
    const variable = variables[name];
    if (!variable)
      throw new QueryFailure(
        `The query has a parameter $${name}, and only parameters with the name of a port or parameter of the task have values.`,
      );
    const { value, type } = bound(variable.type, variable.value);
    prepared.bindValue(index, value, value === null ? duckdb.SQLNULL : type);
  }
}

/**
 * @param {DuckDBConnection} connection
 * @param {PlannedVariable} variable
 */
async function setVariable(connection, { name, type, value }) {
  const given = bound(type, value);
  await connection.run(
    `SET VARIABLE ${quoted(name)} = $value`,
    { value: given.value },
    { value: given.value === null ? duckdb.SQLNULL : given.type },
  );
}
