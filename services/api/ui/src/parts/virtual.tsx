import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

export const ROW = 60;
/** Rows beyond the edge, so that the keyboard always has a next one to go to. */
const OVERSCAN = 12;

/** A list of which only what is seen stands in the page; rows have one height. */
export function Virtual<T>(props: { items: T[]; keyOf: (item: T) => string; row: (item: T) => JSX.Element }): JSX.Element {
  const { items, keyOf, row } = props;
  const list = useRef<HTMLUListElement>(null);
  const [first, setFirst] = useState(0);
  const [room, setRoom] = useState(20);
  useEffect(() => {
    const look = (): void => {
      const top = list.current?.getBoundingClientRect().top ?? 0;
      setFirst(Math.max(0, Math.floor(-top / ROW) - OVERSCAN));
      setRoom(Math.ceil(innerHeight / ROW) + 2 * OVERSCAN);
    };
    look();
    addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look);
    return () => {
      removeEventListener("scroll", look);
      removeEventListener("resize", look);
    };
  }, [items.length]);
  const start = Math.min(first, Math.max(0, items.length - room));
  return (
    <ul class="virtual" ref={list} style={{ height: `${items.length * ROW}px` }}>
      {items.slice(start, start + room).map((item, index) => (
        <li
          key={keyOf(item)}
          style={{ top: `${(start + index) * ROW}px` }}
          aria-setsize={items.length}
          aria-posinset={start + index + 1}
        >
          {row(item)}
        </li>
      ))}
    </ul>
  );
}
