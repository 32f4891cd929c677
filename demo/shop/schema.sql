CREATE EXTENSION IF NOT EXISTS pg_stat_statements;

CREATE TABLE IF NOT EXISTS products (
    id    int PRIMARY KEY,
    name  text NOT NULL,
    cents int NOT NULL
);

CREATE TABLE IF NOT EXISTS orders (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id int NOT NULL REFERENCES products,
    quantity   int NOT NULL,
    cents      int NOT NULL,
    paid       boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS orders_created ON orders (created_at);

INSERT INTO products (id, name, cents)
SELECT n, 'Product ' || n, 500 + 37 * n FROM generate_series(1, 40) AS n
ON CONFLICT (id) DO NOTHING;
