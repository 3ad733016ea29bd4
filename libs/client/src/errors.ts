import type { Problem } from '@virtscope/contracts';

/** The API understood and refused: branch on `problem.type`, never on its words. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(
      `${problem.status} ${problem.title}${problem.detail === undefined ? '' : `: ${problem.detail}`}`,
    );
    this.problem = problem;
  }
}

/** No answer came, or none that this API gives, however often it was asked for. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}
