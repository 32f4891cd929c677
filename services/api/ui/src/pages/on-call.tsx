import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { useRefreshed } from "../model/refresh";
import { useResource } from "../model/resource";
import { useStore } from "../model/store";
import { Duty } from "../parts/duty";
import { ContactCard, PolicyCard, Receivers } from "../parts/escalation";
import { Choice } from "../parts/fields";
import { PreferenceForm } from "../parts/preference-form";
import { Rota, type Around } from "../parts/rota";
import { Empty, Failure, Loading, Section } from "../parts/states";
import { strings } from "../strings";
import type { Contact } from "../types";
import "../styles/on-call.css";

const words = strings.onCall;
const REFRESH = 30_000;

function Mine({ contacts, admin, changed }: { contacts: Contact[]; admin: boolean; changed: () => void }): JSX.Element {
  const store = useStore();
  const [contact, setContact] = useState<string | null>(null);
  const { data, error, reload } = useResource(() => store.api.preferences(contact), [contact]);
  return (
    <Section id="preferences" title={words.preferences}>
      {admin && (
        <div class="whose">
          <Choice
            label={words.whose}
            value={contact ?? ""}
            options={[["", words.mine], ...contacts.map((one): [string, string] => [one.name, one.title || one.name])]}
            set={(name) => setContact(name || null)}
          />
        </div>
      )}
      {error !== null && <Failure error={error} retry={reload} />}
      {data === null && error === null && <Loading />}
      {data !== null && !data.known && <Empty icon="unknown" title={words.noContact(data.contact)} help={words.noContactHelp(admin)} />}
      {data?.known && (
        <PreferenceForm
          key={`${data.contact}-${contact === null}`}
          preferences={data}
          contact={contact}
          saved={() => {
            reload();
            changed();
          }}
        />
      )}
    </Section>
  );
}

export function OnCallPage(): JSX.Element {
  const store = useStore();
  const session = store.session.value;
  const admin = session.phase === "in" && session.user.role === "admin";
  const { data, error, reload } = useRefreshed(
    async () => {
      const [now, contacts, schedules, policies] = await Promise.all([
        store.api.onCall(), store.api.contacts(), store.api.schedules(), store.api.policies(),
      ]);
      return { now, ...contacts, ...schedules, ...policies };
    },
    [],
    REFRESH,
  );
  const users = useResource(async () => (admin ? (await store.api.users()).users : null), [admin]);
  const changed = (): void => {
    reload();
    users.reload();
  };
  const around: Around | null = data && {
    titles: data.now.titles,
    own: data.now.contact,
    known: data.now.contact_known,
    names: data.contacts.map((one) => one.name),
    changed,
  };
  return (
    <div class="on-call">
      <header class="page-head page-row">
        <h1>{words.title}</h1>
        <a href="/silences">{strings.silences.title}</a>
      </header>
      {error !== null && <Failure error={error} retry={reload} />}
      {data === null && error === null && <Loading />}
      {data !== null && !data.now.configured && (
        <>
          <Empty icon="bell" title={words.none} help={words.noneHelp} />
          <pre class="example">{words.example}</pre>
        </>
      )}
      {data !== null && around !== null && data.now.configured && (
        <>
          <Duty now={data.now} />
          <Section id="schedules" title={words.schedules} count={data.schedules.length}>
            {data.schedules.length === 0 && <p class="quiet">{words.noSchedules}</p>}
            <div class="cards">
              {data.schedules.map((one) => (
                <Rota key={one.name} schedule={one} around={around} />
              ))}
            </div>
          </Section>
          <div class="on-call-halves">
            <Mine contacts={data.contacts} admin={admin} changed={reload} />
            <div>
              <Section id="policies" title={words.policies} count={data.policies.length}>
                {data.policies.length === 0 && <p class="quiet">{words.noPolicies}</p>}
                <div class="cards tiles">
                  {data.policies.map((one) => (
                    <PolicyCard key={one.name} policy={one} titles={data.now.titles} />
                  ))}
                </div>
              </Section>
              <Section id="contacts" title={words.contacts} count={data.contacts.length}>
                <div class="cards tiles">
                  {data.contacts.map((one) => (
                    <ContactCard key={one.name} contact={one} users={users.data} changed={changed} />
                  ))}
                  {admin && <Receivers names={data.receivers} />}
                </div>
              </Section>
            </div>
          </div>
        </>
      )}
    </div>
  );
}
