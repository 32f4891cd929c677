import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import { ApiError } from "../model/api";
import { useResource } from "../model/resource";
import { useStore } from "../model/store";
import { RuleForm } from "../parts/rule-form";
import { RuleItem } from "../parts/rule-item";
import { Empty, Failure, Loading, Section } from "../parts/states";
import { strings } from "../strings";
import type { ApiRule, Rule, RuleGroup } from "../types";

const words = strings.rules;
const REFRESH = 10_000;
const EXPORT = "/api/admin/monitoring/rules/export";

const fits = (rule: Rule, text: string): boolean =>
  `${rule.name} ${rule.query ?? ""}`.toLowerCase().includes(text.trim().toLowerCase());

function Made(props: { rule: ApiRule; now: Rule | undefined; edit: () => void; changed: () => void }): JSX.Element {
  const { rule, now, edit, changed } = props;
  const store = useStore();
  const [error, setError] = useState("");
  const attempt = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
      changed();
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(`${caught.message} ${caught.mend}`);
    }
  };
  const enabled = rule.rule.enabled ?? true;
  const body = { ...rule.rule, enabled: !enabled, version: rule.version };
  const shown: Rule = now ?? { id: rule.id, name: rule.rule.name, query: rule.expr, state: enabled ? "waiting" : "disabled" };
  return (
    <RuleItem rule={shown}>
      <p class="quiet">{words.madeBy(rule.updated_by, rule.version)}</p>
      {store.mayAct && (
        <div class="buttons">
          <button type="button" class="button" onClick={edit}>
            {words.edit}
          </button>
          <button type="button" class="button" onClick={() => void attempt(() => store.api.changeRule(rule.id, body))}>
            {enabled ? words.disable : words.enable}
          </button>
          <button type="button" class="button" onClick={() => void attempt(() => store.api.deleteRule(rule.id))}>
            {words.remove}
          </button>
        </div>
      )}
      {error !== "" && (
        <p class="form-error" role="alert">
          {error}
        </p>
      )}
    </RuleItem>
  );
}

function Files({ groups, text }: { groups: RuleGroup[]; text: string }): JSX.Element {
  const own = groups
    .map((group) => ({ ...group, rules: (group.rules ?? []).filter((rule) => fits(rule, text)) }))
    .filter((group) => group.rules.some((rule) => (rule.id ?? "").startsWith("file-")));
  if (own.length === 0) return <Empty icon="unknown" title={words.none} help={words.noneHelp} />;
  return (
    <>
      {own.map((group, place) => (
        <Section key={`${group.file} ${group.name}`} id={`group-${place}`} title={`${group.name} · ${group.file}`}>
          <div class="cards">
            {group.rules.map((rule) => (
              <RuleItem key={rule.id} rule={rule}>
                <p class="quiet">{words.ofFile(group.file ?? "", rule.tocsin?.line ?? 0)}</p>
              </RuleItem>
            ))}
          </div>
        </Section>
      ))}
    </>
  );
}

export function RulesPage(): JSX.Element {
  const store = useStore();
  const { data, error, reload } = useResource(() => store.api.rules(), []);
  const made = useResource(() => store.api.madeRules(), []);
  const [editing, setEditing] = useState<ApiRule | "new" | null>(null);
  const [text, setText] = useState("");
  const again = (): void => {
    reload();
    made.reload();
  };
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === "visible" && editing === null) again();
    }, REFRESH);
    return () => clearInterval(timer);
  }, [editing]);
  const rules = data?.groups.flatMap((group) => group.rules ?? []) ?? [];
  const metrics = [...new Set(rules.filter((rule) => rule.type === "recording").map((rule) => rule.name))];
  const own = (made.data?.rules ?? []).filter((one) => fits({ name: one.rule.name, query: one.expr }, text));
  const close = (): void => {
    setEditing(null);
    again();
  };
  return (
    <>
      <header class="page-head page-row">
        <h1>{words.title}</h1>
        <div class="buttons">
          <a class="button" href={EXPORT} download>
            {words.export}
          </a>
          {store.mayAct && (
            <button type="button" class="button primary" onClick={() => setEditing("new")}>
              {words.add}
            </button>
          )}
        </div>
      </header>
      {editing !== null && (
        <RuleForm
          key={editing === "new" ? "new" : editing.id}
          known={editing === "new" ? null : editing}
          metrics={metrics}
          done={close}
        />
      )}
      <label class="rule-search">
        {strings.list.search}
        <input type="search" value={text} onInput={(event) => setText(event.currentTarget.value)} data-search />
      </label>
      {made.error !== null && <Failure error={made.error} retry={made.reload} />}
      {own.length > 0 && (
        <Section id="made" title={words.made} count={own.length}>
          <div class="cards">
            {own.map((rule) => (
              <Made
                key={rule.id}
                rule={rule}
                now={rules.find((one) => one.id === rule.id)}
                edit={() => setEditing(rule)}
                changed={again}
              />
            ))}
          </div>
        </Section>
      )}
      {error !== null && <Failure error={error} retry={reload} />}
      {data === null && error === null && <Loading />}
      {data !== null && <Files groups={data.groups} text={text} />}
    </>
  );
}
