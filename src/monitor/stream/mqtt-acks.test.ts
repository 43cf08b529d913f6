import { describe, expect, it } from 'vitest';
import { createMqttAcks } from './mqtt-acks.ts';

function acking() {
  const sent: number[] = [];
  let isUp = true;
  const acks = createMqttAcks((messageId) => {
    if (isUp) sent.push(messageId);
    return isUp;
  });
  acks.connect(false);
  const lose = () => {
    isUp = false;
  };
  const resume = (isResumed = true) => {
    isUp = true;
    acks.connect(isResumed);
  };
  return { acks, sent, lose, resume };
}

describe('acknowledgements', () => {
  it('are sent once, when a message is done', () => {
    const { acks, sent } = acking();
    const done = acks.open('a', 5, false);
    expect(sent).toEqual([]);
    done?.();
    done?.();
    expect(sent).toEqual([5]);
  });

  it('of a message that was done while the connection was away are sent when it comes again, and it is not heard twice', () => {
    const { acks, sent, lose, resume } = acking();
    const done = acks.open('a', 5, false);
    lose();
    done?.();
    resume();
    expect(sent).toEqual([]);
    expect(acks.open('a', 9, true)).toBeUndefined();
    expect(sent).toEqual([9]);
  });

  it('of a message that is done after it came again carry its new number', () => {
    const { acks, sent, lose, resume } = acking();
    const done = acks.open('a', 5, false);
    lose();
    resume();
    expect(acks.open('a', 9, true)).toBeUndefined();
    done?.();
    expect(sent).toEqual([9]);
  });

  it('keep apart messages of the same content, and new ones from those that come again', () => {
    const { acks, sent, lose, resume } = acking();
    acks.open('silence', 1, false);
    acks.open('silence', 2, false);
    lose();
    resume();
    expect(acks.open('silence', 1, true)).toBeUndefined();
    expect(acks.open('silence', 3, false)).toBeTypeOf('function');
    expect(acks.open('silence', 2, true)).toBeUndefined();
    // A redelivery of what another process had taken.
    expect(acks.open('silence', 4, true)).toBeTypeOf('function');
    expect(sent).toEqual([]);
  });

  it('wait for a message that came again on the same connection', () => {
    const { acks, sent } = acking();
    const done = acks.open('a', 5, false);
    expect(acks.open('a', 5, true)).toBeUndefined();
    done?.();
    expect(sent).toEqual([5]);
  });

  it('are not sent to a broker that has forgotten', () => {
    const { acks, sent, lose, resume } = acking();
    const done = acks.open('a', 5, false);
    lose();
    resume(false);
    done?.();
    expect(sent).toEqual([]);
    expect(acks.open('a', 5, true)).toBeTypeOf('function');
  });
});
