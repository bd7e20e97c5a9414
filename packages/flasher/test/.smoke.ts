import { flashImage, inspectTarget } from '@osforge/flasher';
const t = await Promise.all(process.argv.slice(3).map(async (p) => (await inspectTarget(p)).identity));
const s = performance.now();
const r = await flashImage({
  source: { path: process.argv[2] },
  targets: t,
  onProgress: (p) => {
    if (process.env.P)
      console.log(
        p.id,
        p.state,
        p.doneBytes,
        p.verifiedBytes,
        p.bytesPerSecond,
        p.etaMs,
        p.behind,
        p.queueDepth,
      );
  },
});
for (const x of r)
  console.log(
    x.ok
      ? JSON.stringify({
          ...x.receipt,
          verification: { ...x.receipt.verification, rangeSha256: x.receipt.verification.rangeSha256.length },
        })
      : x.error,
  );
console.log(performance.now() - s);
