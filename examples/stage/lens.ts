/** What a browser says of a camera that is not to be had, and what to do. */
const reasons: Readonly<Record<string, string>> = {
  NotAllowedError: 'The camera is not allowed here: allow it beside the page’s address, or draw, or open a picture.',
  NotFoundError: 'There is no camera: connect one, or draw, or open a picture.',
  NotReadableError: 'Another program has the camera: close it there, or draw, or open a picture.',
};

/** A camera's pictures, one after the other, until it is closed. */
export class Lens {
  readonly #stream: MediaStream;
  readonly #video: HTMLVideoElement;
  #shown = -1;

  constructor(stream: MediaStream, video: HTMLVideoElement) {
    this.#stream = stream;
    this.#video = video;
  }

  /** @param lost called when the camera goes away by itself   @throws Error in words for visitors */
  static async open(lost: () => void): Promise<Lens> {
    // Pages without a secure address have none.
    const devices = navigator.mediaDevices as MediaDevices | undefined;
    if (!devices)
      throw new Error('This page may not ask for a camera, as it does not come by https: draw, or open a picture.');
    const wanted = { video: { facingMode: 'user', width: { ideal: 640 }, height: { ideal: 480 } } };
    const stream = await devices.getUserMedia(wanted).catch((cause: Error) => {
      throw new Error(reasons[cause.name] ?? `The camera does not open: ${cause.message}.`, { cause });
    });
    for (const track of stream.getTracks()) track.addEventListener('ended', lost);
    const video = document.createElement('video');
    Object.assign(video, { srcObject: stream, muted: true, playsInline: true });
    await video.play();
    return new Lens(stream, video);
  }

  /** Draws its latest picture on a square, its middle, mirrored as one sees oneself. @returns whether it is another one */
  draw(context: CanvasRenderingContext2D, side: number): boolean {
    const { videoWidth: width, videoHeight: height, currentTime } = this.#video;
    if (width === 0 || currentTime === this.#shown) return false;
    this.#shown = currentTime;
    const extent = Math.min(width, height);
    context.save();
    context.scale(-1, 1);
    context.drawImage(this.#video, (width - extent) / 2, (height - extent) / 2, extent, extent, -side, 0, side, side);
    context.restore();
    return true;
  }

  close(): void {
    for (const track of this.#stream.getTracks()) track.stop();
    this.#video.srcObject = null;
  }
}
