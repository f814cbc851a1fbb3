/** Express with Sequelize, under Node: what deby replaces. */

import express from "express";
import { DataTypes, Sequelize } from "sequelize";

const { DATABASE_URL, PORT } = process.env;
const sequelize = new Sequelize(DATABASE_URL, { logging: false, pool: { max: 20 } });
const Product = sequelize.define(
  "product",
  {
    id: { type: DataTypes.INTEGER, primaryKey: true },
    name: DataTypes.TEXT,
    price_cents: DataTypes.INTEGER,
    stock: DataTypes.INTEGER,
  },
  { freezeTableName: true, timestamps: false },
);

express()
  .get("/products/:id", async (request, response) => {
    const id = Number(request.params.id);
    const product = await Product.findByPk(id);
    if (product === null) response.status(404).json({ message: `There is no product ${id}` });
    else response.json(product);
  })
  .listen(Number(PORT), "127.0.0.1");
