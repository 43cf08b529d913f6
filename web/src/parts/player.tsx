// Plays a recording, or the part of it that a score is of, and tells where it is.
import { useEffect, useRef, useState } from 'preact/hooks';
import { useShared } from '../context.ts';

type Props = {
  machine: string;
  hash: string;
  /** What is played, in words. */
  label: string;
  /** The part to play, as shares of the whole. */
  from: number;
  to: number;
  /** Where it is in the part, 0..1; undefined when it has ended. */
  onAt(share: number | undefined): void;
};

export function Player({ machine, hash, label, from, to, onAt }: Props) {
  const { backend } = useShared();
  const audio = useRef<HTMLAudioElement>(undefined);
  const [playing, setPlaying] = useState(false);
  const [error, setError] = useState('');
  const tell = useRef(onAt);
  tell.current = onAt;

  // another sound needs another player
  useEffect(() => {
    setPlaying(false);
    setError('');
    return () => {
      const sound = audio.current;
      audio.current = undefined;
      if (!sound) return;
      sound.pause();
      URL.revokeObjectURL(sound.src);
    };
  }, [machine, hash]);

  const stop = (): void => {
    audio.current?.pause();
    setPlaying(false);
    tell.current(undefined);
  };
  const follow = (sound: HTMLAudioElement): void => {
    if (sound !== audio.current || sound.paused) return;
    const share = (sound.currentTime / sound.duration - from) / Math.max(1e-9, to - from);
    if (share >= 1) stop();
    else {
      tell.current(Math.max(0, share));
      requestAnimationFrame(() => follow(sound));
    }
  };
  const play = async (): Promise<void> => {
    if (playing) return stop();
    setError('');
    try {
      if (!audio.current) {
        const sound = new Audio(URL.createObjectURL(await backend.audio(machine, hash)));
        await new Promise<void>((resolve, reject) => {
          sound.onloadedmetadata = () => resolve();
          sound.onerror = () => reject(new Error('This browser cannot play the sound.'));
        });
        sound.onended = stop;
        audio.current = sound;
      }
      const sound = audio.current;
      sound.currentTime = from * sound.duration;
      await sound.play();
      setPlaying(true);
      follow(sound);
    } catch (problem) {
      setPlaying(false);
      setError((problem as Error).message);
    }
  };
  return (
    <div class="player">
      <button type="button" onClick={play} aria-pressed={playing}>
        <svg viewBox="0 0 16 16" aria-hidden="true">
          {playing ? <path d="M4 3h3v10H4zM9 3h3v10H9z" /> : <path d="M4 2.5 13 8l-9 5.5z" />}
        </svg>
        {playing ? 'Stop' : 'Play'} <span class="unseen">{label}</span>
      </button>
      {error && <span class="problem">{error}</span>}
    </div>
  );
}
