import { render } from "preact";

import { App } from "./app";
import { followLinks } from "./model/router";
import { Store } from "./model/store";
import "./styles/index.css";

const store = new Store();
store.start();
followLinks();
const root = document.getElementById("app");
if (root === null) throw new Error("index.html lacks the element #app");
render(<App store={store} />, root);
