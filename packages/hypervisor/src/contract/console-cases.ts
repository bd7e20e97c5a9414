import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { lastValueFrom, toArray } from 'rxjs';
import { MachineGoneError, MachineSpecError } from '../errors.ts';
import { contractCase, contractChannel, contractDrive, limit, type ContractCase } from './contract-case.ts';

const all = { defaultValue: [] as string[] };

export const consoleCases: readonly ContractCase[] = [
  contractCase(
    'the console is told in lines and kept in its log, and ends with the machine',
    async (bench) => {
      const machine = await bench.create(await bench.spec('stand-still'));
      const lines = lastValueFrom(machine.console$.pipe(toArray()), all);
      const up = machine.waitForConsole(/guest (up)/g, limit);
      await machine.start(limit);
      assert.equal(await up, 'guest up');
      assert.equal(machine.lastConsoleLines(1000).at(-1), 'guest up');
      await machine.sendToConsole('root\n', limit);
      await machine.kill();
      assert.ok((await lines).includes('guest up'));
      assert.match(await readFile(machine.consoleLog, 'utf8'), /guest up/);
      assert.equal((await stat(machine.consoleLog)).mode & 0o077, 0, 'others may read the log');
      // It can be asked what was said, but not be waited for or typed on any more.
      assert.equal(machine.lastConsoleLines(1).at(0), 'guest up');
      await assert.rejects(machine.waitForConsole(/never/, limit), MachineGoneError);
      await assert.rejects(machine.sendToConsole('root\n', limit), MachineGoneError);
    },
  ),
  contractCase('a wait for the console ends with the machine', async (bench) => {
    const machine = await bench.running('stand-still');
    const waiting = assert.rejects(machine.waitForConsole(/never/, limit), MachineGoneError);
    await machine.kill();
    await waiting;
  }),
  contractCase(
    'a channel takes lines for a guest that does not listen yet, and ends with the machine',
    async (bench) => {
      const machine = await bench.running('stand-still');
      assert.throws(() => machine.channel('another'), MachineSpecError);
      const channel = machine.channel(contractChannel);
      assert.equal(channel.name, contractChannel);
      const lines = lastValueFrom(channel.lines$.pipe(toArray()), all);
      await channel.send('{"go":true}', limit);
      await assert.rejects(channel.send('two\nlines', limit), TypeError);
      await machine.kill();
      assert.deepEqual(await lines, []);
      assert.equal(channel.droppedLines, 0);
      await assert.rejects(channel.send('too late', limit), MachineGoneError);
    },
  ),
  contractCase('a medium is put in, changed and taken out, also from an empty drive', async (bench) => {
    const machine = await bench.running('stand-still');
    await machine.ejectMedium(contractDrive, limit);
    for (const name of ['one.iso', 'two.iso']) {
      await writeFile(bench.path(name), Buffer.alloc(1024 * 1024));
      await machine.insertMedium(contractDrive, bench.path(name), limit);
    }
    await assert.rejects(machine.insertMedium(contractDrive, bench.path('absent.iso'), limit), Error);
    await machine.ejectMedium(contractDrive, limit);
    assert.equal(await machine.source.readState(), 'running');
  }),
];
