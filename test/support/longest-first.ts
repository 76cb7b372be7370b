import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take minutes, whatever their size: vitest, which does not know that the first time, begins with the largest. */
const longest = ['e2e/documents.test.ts', 'e2e/demo.test.ts'];

/** The order of the test files: one that takes minutes must not be the last. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean => longest.some((name) => moduleId.endsWith(name));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}
