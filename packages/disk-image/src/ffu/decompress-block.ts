import { decompressLznt1 } from '../compression/lznt1-decompress.ts';
import { decompressXpress } from '../compression/xpress-decompress.ts';
import { decompressXpressHuffman } from '../compression/xpress-huffman-decompress.ts';
import { DecompressionError } from '../errors.ts';
import { compressionIds } from './layout.ts';

/**
 * Expands the data of one descriptor by the store's COMPRESSION_FORMAT_*; 1 ("default") is taken for XPRESS.
 * @throws DecompressionError
 */
export function decompressBlock(compressionId: number, data: Uint8Array, block: Uint8Array): void {
  switch (compressionId) {
    case compressionIds.none:
      if (data.length !== block.length)
        throw new DecompressionError('stored', `${data.length} bytes for a block of ${block.length}`, 0, 0);
      block.set(data);
      return;
    case compressionIds.lznt1:
      decompressLznt1(data, block);
      return;
    case compressionIds.xpressHuffman:
      decompressXpressHuffman(data, block);
      return;
    default:
      decompressXpress(data, block);
  }
}
