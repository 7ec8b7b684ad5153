// Makes TypeScript of the schemas of others' formats, by the compiler in the Python package grpcio-tools and by
// protoc-gen-es. What it makes is kept, so that nobody needs Python who does not change a schema.
import { execFileSync } from 'node:child_process';
import { dirname } from 'node:path';

const python = process.env.MILLRACE_PYTHON ?? 'python3';
for (const schema of ['src/interop/onnx/onnx.proto']) {
  const folder = dirname(schema);
  const plugin = '--plugin=protoc-gen-es=node_modules/.bin/protoc-gen-es';
  const options = [`--es_out=${folder}`, '--es_opt=target=ts,import_extension=ts'];
  const words = ['-m', 'grpc_tools.protoc', '-I', folder, plugin, ...options, schema];
  execFileSync(python, words, { stdio: 'inherit' });
}
