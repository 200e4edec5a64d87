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
  /** What the button says, by language: open, close, failed, hide the teaser. */
  labels?: Record<string, string[]>;
  /** A line beside the button after some seconds. */
  teaser?: { text: string; after: number } | null;
  /** Opens by itself after some seconds, once the visitor did something on the page. */
  autoOpen?: { after: number } | null;
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
  setLocale(locale: string): void;
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

/** What a plugin puts under an answer. Nothing of it is trusted: every value is looked at before it is shown. */
interface Part {
  /** `buttons`, `card`, `form`, `slots`, or `action`, a proposal to confirm; another kind shows its text and buttons. */
  type?: string;
  id?: string;
  title?: string;
  text?: string;
  /** Facts of a card, such as the day and time of a booking. */
  rows?: { label?: string; value?: string }[];
  /** A button says its value as the visitor's message, opens a web page, or posts to an address of the platform. */
  buttons?: { label?: string; value?: string; url?: string; action?: string }[];
  /** Of a form: text, email, tel, number, date, time, textarea, select or checkbox. */
  fields?: { name: string; label?: string; type?: string; required?: boolean; options?: (string | { label?: string; value?: string })[]; maxLength?: number; url?: string }[];
  submit?: string;
  /** Of slots: the calendar's zone, and its days with their times. */
  zone?: string;
  days?: { label?: string; slots?: { id?: string; label?: string; at?: string; value?: string }[] }[];
  /** Where a form is posted, below `/api/` or `/x/`; without one its values become a message. */
  action?: string;
  /** The event of the page when it is done. */
  event?: 'lead' | 'booking';
  /** Of an action: proposed, done, failed, declined or expired. */
  state?: string;
  /** It was done before: this is said instead of the form and the buttons. */
  done?: string;
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
