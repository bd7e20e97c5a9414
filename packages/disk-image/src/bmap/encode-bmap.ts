import { createHash } from 'node:crypto';
import type { Bmap } from './bmap.ts';

export const noChecksum: string = '0'.repeat(64);

/** A bmap file of version 2.0, as bmaptool(1) reads it, with the checksum of itself. Every range needs a digest. */
export function encodeBmap({ imageSizeBytes, blockBytes, ranges }: Bmap): string {
  const mapped = ranges.reduce((sum, { firstBlock, lastBlock }) => sum + lastBlock - firstBlock + 1, 0);
  const lines = ranges.map(({ firstBlock, lastBlock, sha256 = '' }) => {
    const blocks = firstBlock === lastBlock ? String(firstBlock) : `${firstBlock}-${lastBlock}`;
    return `        <Range chksum="${sha256}"> ${blocks} </Range>\n`;
  });
  const text = `<?xml version="1.0" ?>
<!-- Which blocks of an image have to be written, and their checksums: see bmaptool(1). -->
<bmap version="2.0">
    <ImageSize> ${imageSizeBytes} </ImageSize>
    <BlockSize> ${blockBytes} </BlockSize>
    <BlocksCount> ${Math.ceil(imageSizeBytes / blockBytes)} </BlocksCount>
    <MappedBlocksCount> ${mapped} </MappedBlocksCount>
    <ChecksumType> sha256 </ChecksumType>
    <BmapFileChecksum> ${noChecksum} </BmapFileChecksum>
    <BlockMap>
${lines.join('')}    </BlockMap>
</bmap>
`;
  return text.replace(noChecksum, createHash('sha256').update(text).digest('hex'));
}
