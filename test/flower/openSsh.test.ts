// The public half of a key as OpenSSH writes it, which is what `flwr supernode register` takes.

import { expect, test } from 'vitest';
import { readNodeKey } from '../../src/flower/index.ts';

/** Made by OpenSSH 9.2, `ssh-keygen -t ecdsa -b BITS -N "" -C ""`: what it wrote into the file, and into the file's .pub. */
const keys = [
  [
    256,
    `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAaAAAABNlY2RzYS
1zaGEyLW5pc3RwMjU2AAAACG5pc3RwMjU2AAAAQQR93qZ7GM+/2fUKLk97btv35XqK2zXi
dTC85ZZSJmrp4sYW71tGspmsPxmWVenMrEXno9I8vRP1EoqgEH5NjfqvAAAAmG6zBcVusw
XFAAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBH3epnsYz7/Z9Qou
T3tu2/fleorbNeJ1MLzlllImaunixhbvW0aymaw/GZZV6cysReej0jy9E/USiqAQfk2N+q
8AAAAgBHEWVI+ZcSOHBkdEfPk2hoiKkxpVnAl4c3k+FKUYsq8AAAAA
-----END OPENSSH PRIVATE KEY-----`,
    'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBH3epnsYz7/Z9QouT3tu2/fleorbNeJ1MLzlllImaunixhbvW0aymaw/GZZV6cysReej0jy9E/USiqAQfk2N+q8=',
  ],
  [
    384,
    `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAiAAAABNlY2RzYS
1zaGEyLW5pc3RwMzg0AAAACG5pc3RwMzg0AAAAYQTW17cvaPZkOaK9f4JAcRv9mLGrDKWh
r0e1PnqyigXs+B8BK27VadQGoW6iZ7C9g+jSfcgOKQHvwnFIPts3Lqa99z+OhVzgekmJ5q
/pkE6jyOJ4Hk+7OWenAOFd4H2Ok+IAAADIAY84uAGPOLgAAAATZWNkc2Etc2hhMi1uaXN0
cDM4NAAAAAhuaXN0cDM4NAAAAGEE1te3L2j2ZDmivX+CQHEb/Zixqwyloa9HtT56sooF7P
gfAStu1WnUBqFuomewvYPo0n3IDikB78JxSD7bNy6mvfc/joVc4HpJieav6ZBOo8jieB5P
uzlnpwDhXeB9jpPiAAAAMG0nl1XsuNkitSpX45ms29+yPrIkAB+1+NZsh7GwiAFbddiSWr
3Qt9TrCGZpFkkoowAAAAA=
-----END OPENSSH PRIVATE KEY-----`,
    'ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBNbXty9o9mQ5or1/gkBxG/2YsasMpaGvR7U+erKKBez4HwErbtVp1AahbqJnsL2D6NJ9yA4pAe/CcUg+2zcupr33P46FXOB6SYnmr+mQTqPI4ngeT7s5Z6cA4V3gfY6T4g==',
  ],
  [
    521,
    `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAArAAAABNlY2RzYS
1zaGEyLW5pc3RwNTIxAAAACG5pc3RwNTIxAAAAhQQBElfoaKsBMf+c+J//V1j84uWVng8r
mzZaRzMk3S1jdWzpIWjX/Tw69RWJbPkMS96GGnvKfdRhIc8hukfMG5eK5Y8BSH2bP0eO7G
G0zSbr0lJ9WWc/8VtWw2949arB53CPVT+irSKFj/lmJ3wiz/VWl79LPFAGf1x+cB8PPhoV
8150EBIAAAEAkKlirpCpYq4AAAATZWNkc2Etc2hhMi1uaXN0cDUyMQAAAAhuaXN0cDUyMQ
AAAIUEARJX6GirATH/nPif/1dY/OLllZ4PK5s2WkczJN0tY3Vs6SFo1/08OvUViWz5DEve
hhp7yn3UYSHPIbpHzBuXiuWPAUh9mz9HjuxhtM0m69JSfVlnP/FbVsNvePWqwedwj1U/oq
0ihY/5Zid8Is/1Vpe/SzxQBn9cfnAfDz4aFfNedBASAAAAQgEk+LVNs9zEhOxHSfHEJ55D
InsrUEyVS5XKJhPpwB9M2TAFGcCc8VnMFLJ/xn5ugOu5j/Joby378pCpadckniOwsgAAAA
ABAg==
-----END OPENSSH PRIVATE KEY-----`,
    'ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAESV+hoqwEx/5z4n/9XWPzi5ZWeDyubNlpHMyTdLWN1bOkhaNf9PDr1FYls+QxL3oYae8p91GEhzyG6R8wbl4rljwFIfZs/R47sYbTNJuvSUn1ZZz/xW1bDb3j1qsHncI9VP6KtIoWP+WYnfCLP9VaXv0s8UAZ/XH5wHw8+GhXzXnQQEg==',
  ],
] as const;

test.each(keys)('of a key of %i bits it is what ssh-keygen wrote', async (_, file, line) => {
  expect((await readNodeKey('id_ecdsa', file)).openSsh).toBe(line);
});
