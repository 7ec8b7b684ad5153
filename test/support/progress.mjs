// Says now and then how far the tests are, where nobody sees vitest's own moving summary: in a file, a pipe, a log.

const EVERY_MS = 20_000;

/** @typedef {import('vitest/node').Reporter} Reporter */

/** @implements {Reporter} */
export default class Progress {
  #began = performance.now();
  #files = 0;
  #endedFiles = 0;
  #endedTests = 0;
  /** @type {Map<string, string>} The test that each file is at. */
  #running = new Map();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /** @param {readonly import('vitest/node').TestSpecification[]} files */
  onTestRunStart(files) {
    this.#files = files.length;
    if (!process.stdout.isTTY) this.#timer = setInterval(() => this.#say(), EVERY_MS);
  }

  /** @param {import('vitest/node').TestModule} file */
  onTestModuleStart({ relativeModuleId: name }) {
    this.#running.set(name, 'about to begin');
  }

  /** @param {import('vitest/node').TestCase} test */
  onTestCaseReady({ module, fullName }) {
    this.#running.set(module.relativeModuleId, fullName);
  }

  onTestCaseResult() {
    this.#endedTests++;
  }

  /** @param {import('vitest/node').TestModule} file */
  onTestModuleEnd({ relativeModuleId: name }) {
    this.#running.delete(name);
    this.#endedFiles++;
  }

  onTestRunEnd() {
    clearInterval(this.#timer);
  }

  #say() {
    const seconds = Math.round((performance.now() - this.#began) / 1000);
    const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    console.log(`${time} ${this.#endedFiles} of ${this.#files} files, ${this.#endedTests} tests; now`);
    for (const [file, test] of this.#running) console.log(`     ${file}: ${test}`);
  }
}
