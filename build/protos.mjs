// Makes TypeScript of the schemas of others' formats, by the compiler in the Python package grpcio-tools and by
// protoc-gen-es. What it makes is kept, so that nobody needs either who does not change a schema.
import { execFileSync } from 'node:child_process';
import { dirname } from 'node:path';

const python = process.env.MILLRACE_PYTHON ?? 'python3';
for (const schema of ['src/interop/onnx/onnx.proto', 'src/flower/fleet.proto']) {
  const folder = dirname(schema);
  const words = [`-I ${folder}`, `--es_out=${folder}`, '--es_opt=target=ts,import_extension=ts', schema];
  const command = `${python} -m grpc_tools.protoc ${words.join(' ')}`;
  execFileSync('npx', ['--yes', '--package=@bufbuild/protoc-gen-es@2.17.0', '-c', command], { stdio: 'inherit' });
}
