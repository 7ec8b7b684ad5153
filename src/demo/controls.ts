import { find } from './page.ts';
import {
  allowedLayers,
  CONVOLUTIONAL_LAYERS,
  formatSettings,
  parseLayers,
  presets,
  usualRates,
  usualSettings,
  type Settings,
} from './settings.ts';

/** Settings that a run may change under way; the others make another network, or another run. */
const UNDER_WAY = new Set(['optimizer', 'rate-of-learning', 'schedule', 'batch']);

const select = (id: string): HTMLSelectElement => find(id, HTMLSelectElement);
const field = (id: string): HTMLInputElement => find(id, HTMLInputElement);

const OWN = 'your own';

/** The form of all that a visitor chooses. */
export class Controls {
  readonly #form = find('settings', HTMLFormElement);
  readonly #preset = select('preset');
  readonly #onChange: (settings: Settings, underWay: boolean) => void;
  #settings: Settings = usualSettings;

  /** @param onChange is told of sound settings, and whether a run may go on with them */
  constructor(onChange: (settings: Settings, underWay: boolean) => void) {
    this.#onChange = onChange;
    this.#preset.append(...presets.map(({ name }) => new Option(name)), new Option(OWN));
    this.#form.addEventListener('change', ({ target }) => this.#changed((target as HTMLElement).id));
    this.#form.addEventListener('submit', (event) => event.preventDefault());
    this.show(usualSettings);
  }

  get settings(): Settings {
    return this.#settings;
  }

  /** Puts settings into the form, and tells nobody. */
  show(settings: Settings): void {
    this.#settings = settings;
    for (const name of ['model', 'activation', 'initial', 'optimizer', 'schedule'] as const) {
      select(name).value = settings[name];
    }
    field('layers').value = settings.layers.join(' ');
    field('layers').setCustomValidity('');
    field('rate-of-learning').value = String(settings.rate);
    field('batch').value = String(settings.batch);
    field('seed').value = String(settings.seed);
    this.#name();
  }

  /** What depends on the choice. */
  #name(): void {
    const preset = presets.find(({ settings }) => sameSettings(settings, this.#settings));
    this.#preset.value = preset?.name ?? OWN;
    find('preset-text', HTMLElement).textContent = preset?.text ?? '';
    find('in-short', HTMLElement).textContent = this.#inShort();
    find('layers-name', HTMLElement).textContent =
      this.#settings.model === 'dense' ? 'Neurons of each hidden layer' : 'Features of each convolution';
  }

  #inShort(): string {
    const { layers, rate, batch, seed } = this.#settings;
    const widths = layers.length > 0 ? layers.join(' ') : 'none hidden';
    const [kind, activation, initial, optimizer, schedule] = ['model', 'activation', 'initial', 'optimizer', 'schedule']
      .map(select)
      .map(({ selectedOptions }) => selectedOptions[0].text);
    return `${kind}: ${widths}, ${activation}, weights ${initial}, ${optimizer}, rate ${rate} ${schedule}, batch ${batch}, seed ${seed}`;
  }

  #changed(id: string): void {
    if (id === 'preset') return this.#begin();
    if (id === 'model') {
      const layers = select('model').value === 'dense' ? usualSettings.layers : CONVOLUTIONAL_LAYERS;
      field('layers').value = layers.join(' ');
    }
    const optimizer = select('optimizer').value as Settings['optimizer'];
    if (id === 'optimizer') field('rate-of-learning').value = String(usualRates[optimizer]);
    const model = select('model').value as Settings['model'];
    const layers = parseLayers(field('layers').value, model);
    field('layers').setCustomValidity(layers ? '' : `Give ${allowedLayers(model)}, with spaces between.`);
    if (!this.#form.reportValidity() || !layers) return;
    this.#settings = {
      ...this.#settings,
      model,
      layers,
      activation: select('activation').value as Settings['activation'],
      initial: select('initial').value as Settings['initial'],
      optimizer,
      rate: field('rate-of-learning').valueAsNumber,
      schedule: select('schedule').value as Settings['schedule'],
      batch: field('batch').valueAsNumber,
      seed: field('seed').valueAsNumber,
    };
    this.#name();
    this.#onChange(this.#settings, UNDER_WAY.has(id));
  }

  #begin(): void {
    const preset = presets.find(({ name }) => name === this.#preset.value);
    if (!preset) return;
    const { digit } = this.#settings;
    this.show({ ...preset.settings, digit });
    this.#onChange(this.#settings, false);
  }

  /** The digit that is followed is chosen elsewhere. */
  follow(digit: number): void {
    this.#settings = { ...this.#settings, digit };
  }
}

/** Whichever digit they follow. */
const sameSettings = (a: Settings, b: Settings): boolean =>
  formatSettings({ ...a, digit: 0 }) === formatSettings({ ...b, digit: 0 });
