/** The few kinds of control that all settings are made of. */
import type { ComponentChildren } from "preact";

export interface Option<T extends string> {
  readonly value: T;
  readonly label: string;
}

interface SliderProps {
  label: string;
  help?: string;
  value: number;
  least: number;
  most: number;
  step: number;
  shown: string;
  ends?: readonly [string, string];
  onInput: (value: number) => void;
}

export function Slider({ label, help, value, least, most, step, shown, ends, onInput }: SliderProps) {
  return (
    <label class="field slider" title={help}>
      <span class="field-head">
        <span class="field-label">{label}</span>
        <output>{shown}</output>
      </span>
      <input
        type="range"
        aria-label={label} // for the <output> is what the <label> is of
        min={least}
        max={most}
        step={step}
        value={value}
        aria-valuetext={shown}
        onInput={(event) => onInput(event.currentTarget.valueAsNumber)}
      />
      {ends && (
        <span class="ends" aria-hidden="true">
          <span>{ends[0]}</span>
          <span>{ends[1]}</span>
        </span>
      )}
    </label>
  );
}

interface ChoiceProps<T extends string> {
  name: string;
  label: string;
  help?: string | undefined;
  value: T;
  options: readonly Option<T>[];
  onChange: (value: T) => void;
}

/** For a few words that fit side by side. */
export function Segments<T extends string>({ name, label, help, value, options, onChange }: ChoiceProps<T>) {
  return (
    <fieldset class="field segments" title={help}>
      <legend class="field-label">{label}</legend>
      <div class="segments-row">
        {options.map((option) => (
          <label key={option.value}>
            <input
              type="radio"
              name={name}
              value={option.value}
              checked={option.value === value}
              onChange={() => onChange(option.value)}
            />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** For more, or longer ones. */
export function Choice<T extends string>({ name, label, help, value, options, onChange }: ChoiceProps<T>) {
  return (
    <label class="field choice">
      <span class="field-label">{label}</span>
      <select name={name} value={value} onChange={(event) => onChange(event.currentTarget.value as T)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
      {help && <small class="help">{help}</small>}
    </label>
  );
}

interface FilesProps {
  label: string;
  class?: string;
  several?: boolean;
  camera?: boolean;
  clips?: boolean;
  children: ComponentChildren;
  onFiles: (files: File[]) => void;
}

const CLIPS = "video/*,.mkv,.webm,.gif,.apng,image/gif";
const PICTURES = "image/*,.heic,.heif,.avif,.tif,.tiff,.webp";

/** A button that opens the dialog for files, or a phone's camera. */
export function Files({
  label,
  several = false,
  camera = false,
  clips = false,
  children,
  onFiles,
  ...more
}: FilesProps) {
  return (
    <label class={`button files ${more.class ?? ""}`} title={label}>
      <input
        type="file"
        class="unseen"
        accept={clips ? CLIPS : camera ? "image/*" : PICTURES}
        multiple={several}
        {...(camera ? { capture: "environment" } : {})}
        aria-label={label}
        onChange={(event) => {
          onFiles([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = ""; // The same file may come again.
        }}
      />
      {children}
    </label>
  );
}
