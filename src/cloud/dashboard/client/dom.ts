/** As much of the DOM as the client script uses. The program's types have no DOM, so that no server code takes it for there. */
export interface Listenable {
  addEventListener(type: string, listener: (event: PageEvent) => void): void;
}
export interface PageEvent {
  target: PageElement;
  data?: string;
  key?: string;
  submitter?: PageElement | null;
  preventDefault(): void;
}
export interface PageElement extends Listenable {
  id: string;
  hidden: boolean;
  /** Of `details`. */
  open: boolean;
  textContent: string;
  innerHTML: string;
  outerHTML: string;
  dataset: Record<string, string | undefined>;
  formAction: string;
  firstElementChild: PageElement | null;
  content: PageElement;
  closest(selector: string): PageElement | null;
  matches(selector: string): boolean;
  querySelector(selector: string): PageElement | null;
  querySelectorAll(selector: string): Iterable<PageElement>;
  getAttribute(name: string): string | null;
  childNodes: Iterable<PageElement>;
  replaceChildren(...elements: PageElement[]): void;
  replaceWith(element: PageElement): void;
  focus(options?: { preventScroll: boolean }): void;
  scrollIntoView(options: { block: 'nearest'; inline: 'center' }): void;
  submit(): void;
}
export interface Page extends PageElement {
  activeElement: PageElement | null;
  createElement(name: string): PageElement;
}
export interface Browser {
  document: Page;
  navigator: { clipboard?: { writeText(text: string): Promise<void> } };
  location: { reload(): void };
  EventSource: new (url: string) => Listenable;
  FormData: new (form: PageElement, submitter?: PageElement | null) => Iterable<[string, string]>;
  DOMParser: new () => { parseFromString(text: string, type: string): Page };
}
