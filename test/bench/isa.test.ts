import { expect, test } from 'vitest';
import { hotBlock } from '../../bench/isa/judge.ts';

test('the hot block is the one with most multiply-adds, of the last disassembly', () => {
  const printed = `
disasm:
BB0:
	v_fma_f32 v0, v1, v2, v0                    // 000000000000: D6130000
	v_fma_f32 v0, v1, v2, v0                    // 000000000008: D6130000

disasm:
BB0:
	s_load_b128 s[0:3], s[0:1], null            // 000000000000: F4080000
	v_add_f32_e32 v0, v1, v2                    // 000000000008: 06000501
BB1:
	ds_load_b128 v[4:7], v8                     // 000000000010: DBFC0000
	global_load_b32 v9, v[0:1], off             // 000000000018: DC520000
	s_waitcnt lgkmcnt(0)                        // 000000000020: BF890000
	v_fmac_f32_e32 v0, v1, v2                   // 000000000024: 56000501
	v_dual_fmac_f32 v3, v1, v2 :: v_dual_fmac_f32 v4, v5, v6 // 000000000028: C8000000
	v_mul_f32_e32 v0, v1, v2                    // 000000000030: 10000501
	s_add_i32 s4, s4, 1                         // 000000000034: 81040104
	s_cbranch_scc1 BB1                          // 000000000038: BFA20000
`;
  expect(hotBlock(printed)).toEqual({ multiplyAdds: 3, vector: 4, scalar: 2, workgroupLoads: 1, memoryLoads: 1 });
});

test('where nothing is disassembled, the driver’s own last form is read', () => {
  const printed = `
disasm:
After lowering to hw instructions:
BB0
/* logical preds: / kind: uniform, top-level, */
	 s1: %0:s[3] = s_movk_i32 imm:-32768
	s_wait_kmcnt imm:0
	 v4: %93:v[4-7] = ds_read_b128 %10:v[0], 0
	 v1: %14:v[1] = buffer_load_dword %10:s[0-3], %13:v[0], 0 offen storage:buffer
	 v1: %18:v[2] = v_fmac_f32 %14:v[1], %14:v[1], %18:v[2]
`;
  expect(hotBlock(printed)).toEqual({ multiplyAdds: 1, vector: 1, scalar: 1, workgroupLoads: 1, memoryLoads: 1 });
});
