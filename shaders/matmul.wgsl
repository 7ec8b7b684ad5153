// C[M, N] = A[M, K] · B[K, N], for each matrix of the batch; A may be stored as [K, M], B as [N, K].
// One invocation computes a 4 × 4 block of C in registers, walking K in steps of 4: no barrier, no shared memory.

const A_TRANSPOSED = false;
const B_TRANSPOSED = false;
// One more row of blocks holds the column sums of B: the gradient of a bias.
const WITH_SUMS = false;

// vec4f where the lines of the stored matrix are whole vectors; a_four, b_four and store_four change with them.
alias A_ELEMENT = f32;
alias B_ELEMENT = f32;
alias C_ELEMENT = f32;

struct Sizes {
  m: u32,
  n: u32,
  k: u32,
  batch: u32,
  // Elements from one matrix of the batch to the next; 0 where all share one.
  a_batch: u32,
  b_batch: u32,
  // Blocks of C along M, the sums' included, and along N.
  m_blocks: u32,
  n_blocks: u32,
}

@group(0) @binding(0) var<storage, read> a: array<A_ELEMENT>;
@group(0) @binding(1) var<storage, read> b: array<B_ELEMENT>;
@group(0) @binding(2) var<storage, read_write> c: array<C_ELEMENT>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

fn epilogue(value: f32, at: u32) -> f32 {
  return value;
}

fn store_sums(column: u32, value: vec4f) {
}

// Four neighbours of a line, of which `left` are left before its end; 0 past it.
fn a_four(at: u32, left: u32) -> vec4f {
  return vec4f(
    a[at],
    select(0.0, a[at + 1u], left > 1u),
    select(0.0, a[at + 2u], left > 2u),
    select(0.0, a[at + 3u], left > 3u),
  );
}

fn b_four(at: u32, left: u32) -> vec4f {
  return vec4f(
    b[at],
    select(0.0, b[at + 1u], left > 1u),
    select(0.0, b[at + 2u], left > 2u),
    select(0.0, b[at + 3u], left > 3u),
  );
}

fn store_four(at: u32, left: u32, value: vec4f) {
  c[at] = epilogue(value.x, at);
  if (left > 1u) {
    c[at + 1u] = epilogue(value.y, at + 1u);
  }
  if (left > 2u) {
    c[at + 2u] = epilogue(value.z, at + 2u);
  }
  if (left > 3u) {
    c[at + 3u] = epilogue(value.w, at + 3u);
  }
}

// Where a stored line of A begins.
fn a_line(line: u32, length: u32) -> u32 {
  return line * length;
}

// Rows row … row + 3 of A, as columns; 0 past K, and the last row again past M, where nothing is stored.
fn load_a(base: u32, row: u32, k: u32) -> mat4x4f {
  if (A_TRANSPOSED) {
    let left = sizes.m - row;
    return transpose(mat4x4f(
      a_four(base + a_line(k, sizes.m) + row, left),
      select(vec4f(), a_four(base + a_line(k + 1u, sizes.m) + row, left), k + 1u < sizes.k),
      select(vec4f(), a_four(base + a_line(k + 2u, sizes.m) + row, left), k + 2u < sizes.k),
      select(vec4f(), a_four(base + a_line(k + 3u, sizes.m) + row, left), k + 3u < sizes.k),
    ));
  }
  let last = sizes.m - 1u;
  let left = sizes.k - k;
  return mat4x4f(
    a_four(base + a_line(row, sizes.k) + k, left),
    a_four(base + a_line(min(row + 1u, last), sizes.k) + k, left),
    a_four(base + a_line(min(row + 2u, last), sizes.k) + k, left),
    a_four(base + a_line(min(row + 3u, last), sizes.k) + k, left),
  );
}

// Rows k … k + 3 of B in columns column … column + 3; 0 past K.
fn load_b(base: u32, k: u32, column: u32) -> mat4x4f {
  if (B_TRANSPOSED) {
    let last = sizes.n - 1u;
    let left = sizes.k - k;
    return transpose(mat4x4f(
      b_four(base + column * sizes.k + k, left),
      b_four(base + min(column + 1u, last) * sizes.k + k, left),
      b_four(base + min(column + 2u, last) * sizes.k + k, left),
      b_four(base + min(column + 3u, last) * sizes.k + k, left),
    ));
  }
  let left = sizes.n - column;
  return mat4x4f(
    b_four(base + k * sizes.n + column, left),
    select(vec4f(), b_four(base + (k + 1u) * sizes.n + column, left), k + 1u < sizes.k),
    select(vec4f(), b_four(base + (k + 2u) * sizes.n + column, left), k + 2u < sizes.k),
    select(vec4f(), b_four(base + (k + 3u) * sizes.n + column, left), k + 3u < sizes.k),
  );
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  let n_block = i % sizes.n_blocks;
  let m_block = (i / sizes.n_blocks) % sizes.m_blocks;
  let matrix = i / (sizes.n_blocks * sizes.m_blocks);
  if (matrix >= sizes.batch) {
    return;
  }
  let row = m_block * 4u;
  let column = n_block * 4u;
  let a_base = matrix * sizes.a_batch;
  let b_base = matrix * sizes.b_batch;

  if (WITH_SUMS && m_block == sizes.m_blocks - 1u) {
    var sums = vec4f();
    for (var k = 0u; k < sizes.k; k++) {
      sums += b_four(b_base + k * sizes.n + column, sizes.n - column);
    }
    store_sums(column, sums);
    return;
  }

  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();
  for (var k = 0u; k < sizes.k; k += 4u) {
    let rows = load_a(a_base, row, k);
    let block = load_b(b_base, k, column);
    c0 += block * rows[0];
    c1 += block * rows[1];
    c2 += block * rows[2];
    c3 += block * rows[3];
  }

  let at = (matrix * sizes.m + row) * sizes.n + column;
  let left = sizes.n - column;
  store_four(at, left, c0);
  if (row + 1u < sizes.m) {
    store_four(at + sizes.n, left, c1);
  }
  if (row + 2u < sizes.m) {
    store_four(at + 2u * sizes.n, left, c2);
  }
  if (row + 3u < sizes.m) {
    store_four(at + 3u * sizes.n, left, c3);
  }
}
