import { resample, type Recording } from '../../src/data/index.ts';
import { recordingOf, recordingsIn, UNKNOWN, wordIn, type Recordings } from './givenRecordings.ts';
import { record } from './microphone.ts';
import { find, show } from './page.ts';

/** What a desk does with what it is given. */
export interface Listener {
  /** Samples a second of what it listens to. */
  readonly sampleRate: number;
  /** A recording that comes along. */
  next(): Recording;
  /** Hears a sound; while one is recorded, all that came so far, again and again. */
  hear(sound: Recording): Promise<void>;
  /** A sound goes by, and takes so long. */
  follow(seconds: number): void;
  /** Learns anew. */
  learn(recordings: Recordings): void;
}

/** A word is said within them. */
const SECONDS = 2.5;
/** Of full scale: what is quieter is a microphone that is switched off. */
const MUTE = 1e-4;

/** A page's buttons for sounds: a microphone, a voice that comes along, and files. */
export class SoundDesk {
  readonly #listener: Listener;
  readonly #recordButton = find('record', HTMLButtonElement);
  readonly #heard = find('heard', HTMLElement);
  #sound: Recording | undefined;
  #recording: AbortController | undefined;
  #speaker: AudioContext | undefined;

  constructor(listener: Listener) {
    this.#listener = listener;
    const does = (id: string, task: () => Promise<void>): void =>
      find(id, HTMLButtonElement).addEventListener('click', () => void this.#attempt(task));
    does('record', () => this.#record());
    does('next', () => this.next());
    does('play', async () => this.#play());
    const chooser = find('files', HTMLInputElement);
    chooser.addEventListener('change', () => void this.#attempt(() => this.#take([...chooser.files!])));
    document.addEventListener('dragover', (event) => event.preventDefault());
    document.addEventListener('drop', (event) => {
      event.preventDefault();
      void this.#attempt(() => this.#take([...(event.dataTransfer?.files ?? [])]));
    });
  }

  /** Takes the next recording that comes along. @param aloud false where nobody asked to hear it */
  async next(aloud = true): Promise<void> {
    await this.#hear(this.#listener.next());
    if (aloud) this.#play();
  }

  async #hear(sound: Recording): Promise<void> {
    this.#sound = sound;
    await this.#listener.hear(sound);
  }

  async #record(): Promise<void> {
    if (this.#recording) return this.#recording.abort();
    this.#recording = new AbortController();
    this.#recordButton.textContent = 'Stop';
    // What changes with each frame is read aloud when it has come to its end.
    this.#heard.ariaBusy = 'true';
    this.#say('Say a digit, from zero to nine …');
    try {
      const { sampleRate } = this.#listener;
      let loudest = 0;
      for await (const { samples, ...own } of record(SECONDS, this.#recording.signal)) {
        loudest = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
        const word = wordIn(resample(samples, own.sampleRate, sampleRate), sampleRate);
        await this.#hear({ name: 'Your voice', samples: word, sampleRate, label: UNKNOWN });
      }
      if (loudest < MUTE) throw new Error('Nothing was heard: is the microphone switched off?');
      this.#say('');
    } finally {
      this.#recording = undefined;
      this.#recordButton.textContent = 'Record';
      this.#heard.ariaBusy = 'false';
    }
  }

  /** One file is to be heard, several are to be learned from. */
  async #take(files: readonly File[]): Promise<void> {
    const { sampleRate } = this.#listener;
    if (files.length > 1) {
      this.#say(`Reads ${files.length.toLocaleString('en')} files …`);
      const recordings = await recordingsIn(files, sampleRate);
      this.#listener.learn(recordings);
      this.#say(recordings.origin);
      return this.next(false);
    }
    for (const file of files) {
      await this.#hear(await recordingOf(file, sampleRate));
      this.#listener.follow(this.#seconds);
      this.#say('');
    }
  }

  get #seconds(): number {
    return this.#sound ? this.#sound.samples.length / this.#sound.sampleRate : 0;
  }

  #play(): void {
    if (!this.#sound) return;
    const { samples, sampleRate } = this.#sound;
    this.#speaker ??= new AudioContext();
    const buffer = this.#speaker.createBuffer(1, samples.length, sampleRate);
    buffer.getChannelData(0).set(samples);
    const source = this.#speaker.createBufferSource();
    source.buffer = buffer;
    source.connect(this.#speaker.destination);
    source.start();
    this.#listener.follow(this.#seconds);
  }

  #say(text: string, isWrong = false): void {
    show('desk', text);
    find('desk', HTMLElement).classList.toggle('wrong', isWrong);
  }

  async #attempt(task: () => Promise<void>): Promise<void> {
    await task().catch((error: unknown) => this.#say(error instanceof Error ? error.message : String(error), true));
  }
}
