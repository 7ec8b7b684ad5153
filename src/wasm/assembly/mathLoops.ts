import { erf, exp, expm1, log, log1p, logistic, tanh } from './math';

/* A module for the test of math.ts alone: its functions over many numbers, a multiple of four, each in its place. */

export function exponentials(x: usize, count: i32): void {
  for (let i = 0; i < count; i += 4, x += 16) v128.store(x, exp(v128.load(x)));
}

export function logistics(x: usize, count: i32): void {
  for (let i = 0; i < count; i += 4, x += 16) v128.store(x, logistic(v128.load(x)));
}

export function tangents(x: usize, count: i32): void {
  for (let i = 0; i < count; i += 4, x += 16) v128.store(x, tanh(v128.load(x)));
}

export function logarithms(x: usize, count: i32): void {
  for (let i = 0; i < count; i += 4, x += 16) v128.store(x, log(v128.load(x)));
}

export function exponentialsMinusOne(x: usize, count: i32): void {
  for (let i = 0; i < count; i += 4, x += 16) v128.store(x, expm1(v128.load(x)));
}

export function logarithmsOfOnePlus(x: usize, count: i32): void {
  for (let i = 0; i < count; i += 4, x += 16) v128.store(x, log1p(v128.load(x)));
}

export function errorFunctions(x: usize, count: i32): void {
  for (let i = 0; i < count; i += 4, x += 16) v128.store(x, erf(v128.load(x)));
}
