// Where files and folders are dropped or chosen.
import { useRef, useState } from 'preact/hooks';
import { droppedFiles } from '../intake.ts';

type Props = {
  title: string;
  hint: string;
  disabled?: boolean;
  onFiles(files: File[], folder?: string): void;
};

/** So many names of what could not be opened are shown. */
const FEW = 5;

const folderOf = (files: readonly File[]): string | undefined =>
  files[0]?.webkitRelativePath.split('/')[0] || undefined;

export function Drop({ title, hint, disabled = false, onFiles }: Props) {
  const [over, setOver] = useState(false);
  const [unreadable, setUnreadable] = useState<string[]>([]);
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const take = (input: HTMLInputElement): void => {
    const chosen = [...(input.files ?? [])];
    // The same files may be chosen again.
    input.value = '';
    if (chosen.length > 0) onFiles(chosen, folderOf(chosen));
  };
  return (
    <section
      class={`drop${over ? ' over' : ''}`}
      aria-label={title}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(!disabled);
      }}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
      }}
      onDrop={async (event) => {
        event.preventDefault();
        event.stopPropagation();
        setOver(false);
        if (disabled || !event.dataTransfer) return;
        const dropped = await droppedFiles(event.dataTransfer);
        setUnreadable(dropped.unreadable);
        if (dropped.files.length > 0) onFiles(dropped.files, dropped.folder);
      }}
    >
      <p class="drop-title">{title}</p>
      <p class="caption">{hint}</p>
      {unreadable.length > 0 && (
        <p class="problem">
          The browser could not open {unreadable.slice(0, FEW).join(', ')}
          {unreadable.length > FEW && ` and ${unreadable.length - FEW} more`}; the rest goes on.
        </p>
      )}
      <div class="row">
        <button type="button" class="primary" disabled={disabled} onClick={() => folder.current?.click()}>
          Choose a folder
        </button>
        <button type="button" disabled={disabled} onClick={() => files.current?.click()}>
          Choose files
        </button>
      </div>
      <input
        ref={folder}
        type="file"
        class="unseen folder"
        tabIndex={-1}
        aria-hidden="true"
        multiple
        {...{ webkitdirectory: true }}
        onChange={(event) => take(event.currentTarget)}
      />
      <input
        ref={files}
        type="file"
        class="unseen files"
        tabIndex={-1}
        aria-hidden="true"
        multiple
        onChange={(event) => take(event.currentTarget)}
      />
    </section>
  );
}
