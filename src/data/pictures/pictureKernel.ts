/** How each kind of texture is read at a place of it, 0 … 1 from its upper left corner. */
const kinds = {
  texture: ['texture_2d<f32>', 'textureSampleLevel(picture, smoothly, place, 0.0)'],
  external: ['texture_external', 'textureSampleBaseClampToEdge(picture, smoothly, place)'],
} as const;

/** One invocation makes a pixel: the mean of TAPS × TAPS places of what it covers. */
export const pictureKernel = (kind: keyof typeof kinds): string => `struct Sizes {
  height: u32,
  width: u32,
  channels: u32,
  // The first number of the sample.
  front: u32,
}

const TAPS = 4u;
// Of red, green and blue in brightness. Source: ITU-R BT.709
const BRIGHTNESS = vec3f(0.2126, 0.7152, 0.0722);

@group(0) @binding(0) var picture: ${kinds[kind][0]};
@group(0) @binding(1) var smoothly: sampler;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= sizes.width || id.y >= sizes.height) {
    return;
  }
  let own = vec2f(f32(sizes.width), f32(sizes.height));
  let whole = vec2f(textureDimensions(picture));
  // Of the whole, what has the same proportions.
  let part = own * min(whole.x / own.x, whole.y / own.y) / whole;
  var sum = vec3f(0.0);
  for (var i = 0u; i < TAPS; i++) {
    for (var j = 0u; j < TAPS; j++) {
      let inner = (vec2f(f32(id.x), f32(id.y)) + (vec2f(f32(i), f32(j)) + 0.5) / f32(TAPS)) / own;
      let place = 0.5 + (inner - 0.5) * part;
      sum += ${kinds[kind][1]}.rgb;
    }
  }
  let colour = sum / f32(TAPS * TAPS);
  let at = sizes.front + (id.y * sizes.width + id.x) * sizes.channels;
  if (sizes.channels == 1u) {
    y[at] = dot(colour, BRIGHTNESS);
  } else {
    y[at] = colour.r;
    y[at + 1u] = colour.g;
    y[at + 2u] = colour.b;
  }
}
`;
