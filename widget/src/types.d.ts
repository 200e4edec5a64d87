/** Shapes shared by the loader, the panel and the server's answers. */

declare const PANEL_FILE: string;
declare module '*.css' {
  const text: string;
  export default text;
}

type Localised<T> = T | Record<string, T>;

/** What `GET /api/bots/<id>/config` answers; everything but id and name is optional. */
interface BotConfig {
  id: string;
  name: string;
  locale?: string;
  locales?: string[];
  greeting?: Localised<string>;
  suggestions?: Localised<string[]>;
  accent?: string;
  position?: 'right' | 'left';
  theme?: 'auto' | 'light' | 'dark';
  closeBehaviour?: 'minimise' | 'end' | 'end_and_erase';
  privacyUrl?: string;
  imprintUrl?: string;
  maxMessage?: number;
  panel?: string;
}

/** What the loader hands to the panel. */
interface Bridge {
  base: string;
  bot: string;
  config: BotConfig;
  root: ShadowRoot;
  page: boolean;
  locale: string;
  launcher: HTMLButtonElement | null;
  emit(name: string, detail?: unknown): void;
  setOpen(open: boolean): void;
  setUnread(count: number): void;
  setLocale(locale: string, remember?: boolean): void;
}

interface PanelApi {
  run(command: string, args: unknown[]): void;
}

interface Source {
  type: 'web' | 'file' | 'text';
  title: string;
  url?: string;
  excerpt?: string;
  n: number;
}

interface Part {
  type?: string;
  text?: string;
  buttons?: { label?: string; value?: string; url?: string }[];
}

type Rating = 'up' | 'down' | null;

interface HistoryMessage {
  id: string;
  role: 'visitor' | 'bot' | 'agent';
  text: string;
  sources?: Source[];
  parts?: Part[];
  createdAt?: string;
  rating?: Rating;
}

type ChatEvent =
  | { type: 'start'; messageId: string }
  | { type: 'delta'; delta: string }
  | { type: 'sources'; sources: Source[] }
  | { type: 'replace'; text: string }
  | { type: 'part'; part: Part }
  | { type: 'done'; refused?: boolean; mode?: string; status?: string | null }
  | { type: 'error'; error?: { code?: string; message?: string } }
  | { type: 'restart'; attempt: number };

interface ChatBody {
  message: string;
  chatbotId: string;
  pageUrl?: string;
  clientMessageId: string;
}
