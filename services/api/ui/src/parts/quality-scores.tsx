/** The scores with their trend, and what pulls them down first. */

import type { JSX } from "preact";

import { strings } from "../strings";
import type { Tone } from "../tones";
import type { ItemScore, Quality } from "../types";
import { Badge } from "./icon";
import { sparkShape, type Point } from "./spark-path";
import { Empty, Section } from "./states";

const words = strings.quality;
const WIDTH = 200;
const HEIGHT = 36;
const GOOD = 8;
const POOR = 5;
const NOTICED = 0.05;

type ScoreKey = "overall" | "architecture" | "security" | "performance" | "testing";

/** How good a score looks. */
export function toneOfScore(score: number | null): Tone {
  if (score === null) return "unknown";
  return score >= GOOD ? "ok" : score >= POOR ? "warning" : "critical";
}

const shown = (score: number | null): string => (score === null ? "–" : score.toFixed(1));

function Trend({ name, points }: { name: string; points: Point[] }): JSX.Element | null {
  const shape = sparkShape(points, [], WIDTH, HEIGHT);
  if (shape === null) return null;
  const values = points.map(([, value]) => value);
  const label = words.trend(name, values.length, shown(Math.min(...values)), shown(Math.max(...values)));
  return (
    <svg class="spark" role="img" aria-label={label} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} height={HEIGHT} preserveAspectRatio="none">
      <path class="spark-area" d={shape.area} />
      <path class="spark-line" d={shape.line} />
    </svg>
  );
}

interface ScoreProps {
  name: string;
  score: number | null;
  change: number | null;
  missing: string[];
  points: Point[];
}

function Score({ name, score, change, missing, points }: ScoreProps): JSX.Element {
  const tone = toneOfScore(score);
  return (
    <article class="card score" aria-label={name}>
      <div class="card-head">
        <h3>{name}</h3>
        <Badge tone={tone} text={words.tones[tone]} />
      </div>
      <p class="score-value">
        {shown(score)} <span class="quiet">{words.ofTen}</span>
      </p>
      {change !== null && (
        <p class="quiet">{Math.abs(change) < NOTICED ? words.same : words.change(`${change > 0 ? "+" : "−"}${Math.abs(change).toFixed(1)}`)}</p>
      )}
      {missing.length > 0 && <p>{words.missing(missing)}</p>}
      <Trend name={name} points={points} />
    </article>
  );
}

export function Scores({ quality }: { quality: Quality }): JSX.Element {
  const points = (key: ScoreKey): Point[] =>
    quality.trend.flatMap((audit): Point[] => {
      const score = audit[key];
      // As it is written: what rounds to the same is a level line.
      return score === null ? [] : [[audit.at, Math.round(score * 10) / 10]];
    });
  const lacking = [...new Set(quality.parts.flatMap((part) => part.missing))];
  return (
    <Section id="scores" title={words.scores}>
      <div class="scores">
        <Score
          name={words.overall}
          score={quality.audit?.overall ?? null}
          change={quality.overall_change}
          missing={lacking}
          points={points("overall")}
        />
        {quality.parts.map(({ key, ...part }) => (
          <Score key={key} {...part} name={words.parts[key]} points={points(key)} />
        ))}
      </div>
    </Section>
  );
}

export function Pulls({ items }: { items: ItemScore[] }): JSX.Element {
  const costly = items.filter((item) => item.lost >= NOTICED);
  const known = items.some((item) => item.score !== null);
  return (
    <Section id="pulls" title={words.pulls}>
      {costly.length === 0 && <Empty icon="check" title={words.noPulls} help={known ? words.noPullsHelp : words.noReports} />}
      <ol class="pulls">
        {costly.map((item) => (
          <li key={item.key} class="card pull" aria-label={words.items[item.key]}>
            <strong>{words.items[item.key]}</strong>
            <span>{words.costs(item.lost.toFixed(1))}</span>
            <span class="quiet">
              {words.parts[item.part]}, {shown(item.score)} {words.ofTen} · {words.measures[item.key](item.measure ?? 0)}
            </span>
            <span class="quiet">{words.mends[item.key]}</span>
          </li>
        ))}
      </ol>
    </Section>
  );
}
